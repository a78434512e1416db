/** `dev`: serves a file while its author writes it. */

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { systemBrowser } from '../browser.ts'
import type { Command, Invocation } from '../commands/command.ts'
import { wrongUsage } from '../commands/command.ts'
import type { ExitCode } from '../problem.ts'
import { exitCodes, Problem } from '../problem.ts'
import { text } from '../text.ts'
import type { DevServer } from './dev-server.ts'
import { startDevServer } from './dev-server.ts'
import { Screen } from './screen.ts'

/** A timer or a connection of the author may keep the process alive: it ends after this many milliseconds. */
const END_AFTER = 500

export const devCommand: Command = {
  names: ['dev'],
  usage: '<file>',
  summary: 'serve a TypeScript file, and serve it anew after each change',
  notes: [
    'The file exports the server: `export default createMcp(…)`, or a function `createServer(options)`.',
    'Clients stay connected, and sessions are kept. A file that does not work leaves the last version served.',
    '--port and --host (else PORT and HOST) choose the address, --args shows the arguments of calls.',
    'A page of the server is opened in the browser, unless there is --no-open.',
  ],
  needs: 'nothing',
  keepsConsole: true,
  run: serveFile,
}

async function serveFile(invocation: Invocation): Promise<ExitCode> {
  const { context, signal, words, options } = invocation
  const [name] = words
  if (name === undefined) throw wrongUsage(devCommand)
  if (context.interactive) {
    throw new Problem('`dev` works on the command line alone.', { exit: exitCodes.usage })
  }
  const path = resolve(name)
  if (!existsSync(path)) {
    throw new Problem(`There is no file ${name}.`, { exit: exitCodes.usage })
  }
  // The library reads its address, as everything else, from the environment.
  if (options.port !== undefined) process.env.PORT = options.port
  if (options.host !== undefined) process.env.HOST = options.host
  const screen = new Screen(context.output, path, options.args === true)
  const restore = takeLog(screen)
  let failed: (problem: Problem) => void = () => {}
  const ended = new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    failed = reject
  })
  // It may fail before it is waited for.
  ended.catch(() => {})
  let server: DevServer | undefined
  try {
    server = await startDevServer({
      file: pathToFileURL(path),
      screen,
      token: process.env.MCP_AUTH_TOKEN,
      failed,
      listening: (url) => {
        if (options['no-open'] !== true && context.output.live) void openPage(url)
      },
    })
    const keys = readKeys(screen, server)
    await ended
    keys?.close()
  } finally {
    await server?.close()
    restore()
    setTimeout(() => process.exit(), END_AFTER).unref()
  }
  return exitCodes.ok
}

/** Shows what the library logs as text for a person. Returns a function that ends this. */
function takeLog(screen: Screen): () => void {
  const { error } = console
  console.error = (...values: unknown[]) => {
    if (values.length !== 1 || !screen.logged(values[0])) error(...values)
  }
  return () => {
    console.error = error
  }
}

/** Opens the page that the server has for people. False where it has none. */
async function openPage(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { headers: { accept: 'text/html' } })
    await response.body?.cancel()
    const isPage = response.ok && response.headers.get('content-type')?.startsWith('text/html')
    return isPage ? await systemBrowser(process.env)(new URL(url)) : false
  } catch {
    return false
  }
}

function readKeys(screen: Screen, server: DevServer) {
  if (process.stdin.isTTY !== true) return undefined
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const key = line.trim().toLowerCase()
    if (key === 'a') {
      screen.showsArguments = !screen.showsArguments
      screen.line(`Arguments are ${screen.showsArguments ? 'shown' : 'hidden'}`)
    } else if (key === 'r') void server.reload()
    else if (key === 'o') void open(screen, server)
    else if (key === 'q') process.kill(process.pid, 'SIGINT')
  })
  return lines
}

async function open(screen: Screen, { url }: DevServer): Promise<void> {
  if (url === undefined || (await openPage(url))) return
  screen.line(text`The server has no page for people, or no browser was found.`)
}
