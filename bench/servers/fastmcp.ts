/** `fastmcp`, without sessions. */
import { FastMCP } from 'fastmcp'
import { announce, freePort } from './serving.ts'
import { ADD, INFO, OTHERS } from './tools.ts'

const server = new FastMCP({ name: INFO.name, version: '1.0.0' })
server.addTool({
  name: 'add',
  description: ADD.description,
  parameters: ADD.schema,
  execute: async (args) => ADD.run(args),
})
for (const { name, description, schema, run } of OTHERS) {
  server.addTool({ name, description, parameters: schema, execute: async (args) => run(args) })
}
const port = await freePort()
await server.start({
  transportType: 'httpStream',
  httpStream: { port, host: '127.0.0.1', stateless: true },
})
announce(port)
