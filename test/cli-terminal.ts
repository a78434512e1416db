/** The command-line client in a pseudo-terminal, typed at and read as a person would. */
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { spawn } from '@lydell/node-pty'
import { build } from 'esbuild'

/** The client as one plain file: its many starts in these tests need not compile it each time. */
export const program = await bundle()

export interface Terminal {
  /** Everything that was printed, without the escape sequences. */
  readonly text: () => string
  /** Types, without Enter. */
  type(text: string): void
  /** Types a line. */
  enter(line: string): void
  /** Waits for something printed after what was awaited last. */
  sees(pattern: RegExp | string): Promise<string>
  readonly exited: Promise<number>
  close(): void
}

const patience = 20_000

export function openTerminal(
  args: readonly string[],
  env: Record<string, string | undefined>,
): Terminal {
  const child = spawn(process.execPath, [program, ...args], {
    cols: 100,
    rows: 40,
    env: { ...process.env, NO_COLOR: '1', BROWSER: 'none', ...env },
  })
  let raw = ''
  let seen = 0
  const changed = new Set<() => void>()
  const text = (): string => stripVTControlCharacters(raw).replaceAll('\r', '')
  child.onData((data) => {
    raw += data
    for (const check of changed) check()
  })
  const exited = new Promise<number>((resolve) => child.onExit(({ exitCode }) => resolve(exitCode)))
  return {
    text,
    type: (typed) => child.write(typed),
    enter: (line) => child.write(`${line}\r`),
    sees(pattern) {
      const wanted =
        typeof pattern === 'string'
          ? new RegExp(pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
          : pattern
      return new Promise((resolve, reject) => {
        const check = (): void => {
          const found = wanted.exec(text().slice(seen))
          if (found === null) return
          seen += found.index + found[0].length
          finish()
          resolve(found[0])
        }
        const timer = setTimeout(() => {
          finish()
          reject(new Error(`${wanted} was not seen in:\n${text().slice(seen)}`))
        }, patience)
        const finish = (): void => {
          clearTimeout(timer)
          changed.delete(check)
        }
        changed.add(check)
        check()
      })
    },
    exited,
    close: () => child.kill('SIGKILL'),
  }
}

/** A private folder for logins and history, gone after the test. */
export async function temporaryHome(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'cli-home-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

async function bundle(): Promise<string> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  const folder = at('../node_modules/.cache/cli')
  const draft = join(folder, `${process.pid}.mjs`)
  await build({
    entryPoints: [at('../adapters/cli/main.ts')],
    outfile: draft,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  // Test files run side by side, and each makes the same file.
  await rename(draft, join(folder, 'main.mjs'))
  return join(folder, 'main.mjs')
}
