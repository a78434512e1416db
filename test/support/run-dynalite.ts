/** `npm run dynamo`: a stand-in for DynamoDB for local work, in memory until Ctrl+C. */

import { startDynalite } from './dynalite.ts'

const port = Number(process.env.PORT ?? 8000)
const table = process.env.MCP_TABLE ?? 'streamable-mcp'

try {
  const { env, close } = await startDynalite({ port, table })
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${value}\n`)
  process.stdout.write(
    `# DynamoDB stand-in with the table "${table}". In the shell of each server instance:\n`,
  )
  process.stdout.write(lines.join(''))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close())
} catch (error) {
  const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  if (!taken) throw error
  console.error(`Port ${port} is taken: choose another, as in PORT=8001 npm run dynamo`)
  process.exitCode = 1
}
