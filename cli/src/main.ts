/** The program `streamable-mcp`: the process around {@link run}. */

import { run } from './program.ts'

const interrupt = new AbortController()
// The first Ctrl+C cancels the command and removes this listener. So a second Ctrl+C makes the system end
// the process, even if the program is busy.
process.once('SIGINT', () => interrupt.abort())
// A reader such as `head` may stop reading early, which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupt.signal,
  forceQuit: () => process.exit(130),
})
