/** Runs a program in a pseudo-terminal, in which a test types and reads like a person. */
import { stripVTControlCharacters } from 'node:util'
import { spawn } from '@lydell/node-pty'

export interface Terminal {
  /** Everything that was printed, without the escape sequences. */
  readonly text: () => string
  /** Everything that was printed, with escape sequences. */
  readonly raw: () => string
  /** Types a text without Enter. */
  type(text: string): void
  /** Types a line and Enter. */
  enter(line: string): void
  /** Waits for new output that matches, after the match of the last call. */
  sees(pattern: RegExp | string): Promise<string>
  readonly exited: Promise<number>
  close(): void
}

const TIMEOUT = 20_000

/** Runs a command with these arguments. */
export function openTerminal(
  [file, ...args]: readonly [string, ...string[]],
  env: Record<string, string | undefined>,
  columns = 100,
): Terminal {
  const child = spawn(file, args, { cols: columns, rows: 40, env: { ...process.env, ...env } })
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
    raw: () => raw,
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
        }, TIMEOUT)
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
