/** Runs the command-line client in this process, with streams in memory. */
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { run } from '../../cli/src/program.ts'

export const headlessBrowser = fileURLToPath(new URL('./headless-browser.mjs', import.meta.url))

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** `stdout`, parsed as the one JSON document that `--json` prints. */
  readonly json: () => unknown
}

export interface RunOptions {
  readonly env?: Record<string, string | undefined>
  /** The lines of a pipe into the interactive session. */
  readonly input?: readonly string[]
  readonly signal?: AbortSignal
}

export async function runCli(
  args: readonly string[],
  { env = {}, input = [], signal = new AbortController().signal }: RunOptions = {},
): Promise<Ran> {
  const texts = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof texts) =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk)
        done()
      },
    })
  const code = await run(args, {
    stdin: Readable.from(input.map((line) => `${line}\n`)),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: { BROWSER: 'none', ...env },
    signal,
    forceQuit: () => {
      throw new Error('Nothing presses Ctrl+C twice here.')
    },
  })
  return { code, ...texts, json: () => JSON.parse(texts.stdout) }
}
