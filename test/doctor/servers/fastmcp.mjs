// `fastmcp` of npm, with sessions.
import { FastMCP } from 'fastmcp'
import { count, greet, INFO, NAME, PORT, STEPS } from './tools.mjs'

const server = new FastMCP(INFO)
server.addTool({ name: 'greet', parameters: NAME, execute: async (args) => greet(args) })
server.addTool({
  name: 'count',
  parameters: STEPS,
  execute: (args, { reportProgress }) =>
    count(args, (progress, total) => reportProgress({ progress, total })),
})
await server.start({
  transportType: 'httpStream',
  httpStream: { port: PORT, host: '127.0.0.1', endpoint: '/mcp' },
})
