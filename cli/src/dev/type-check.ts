/** Runs the project's own TypeScript in the background, and tells what it finds. */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Place } from './code-error.ts'

export interface TypeMistake {
  readonly message: string
  readonly place: Place
}

export interface TypeCheck {
  /** Checks again. A check that still runs is given up. */
  run(): void
  close(): void
}

/** A line of `tsc --pretty false`: `server.ts(3,9): error TS2322: Type …`. */
const MISTAKE = /^(.+?)\((\d+),(\d+)\): error (TS\d+: .*)$/gm

/**
 * Finds TypeScript and the nearest `tsconfig.json` of a file; undefined where one is missing. `found` gets
 * the mistakes when they differ from those before.
 */
export function createTypeCheck(
  file: string,
  found: (mistakes: readonly TypeMistake[]) => void,
): TypeCheck | undefined {
  const folder = nearest(dirname(file), 'tsconfig.json')
  const compiler = nearest(dirname(file), 'node_modules/typescript/bin/tsc')
  if (folder === undefined || compiler === undefined) return undefined
  const program = join(compiler, 'node_modules/typescript/bin/tsc')
  let child: ChildProcess | undefined
  let before = ''
  return {
    run() {
      child?.kill()
      const args = [program, '--noEmit', '--pretty', 'false', '--project', folder]
      const started = spawn(process.execPath, args, {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      child = started
      let printed = ''
      started.stdout.on('data', (chunk) => {
        printed += chunk
      })
      started.on('close', (_, signal) => {
        if (signal !== null || child !== started || printed === before) return
        before = printed
        found(mistakesIn(printed, folder))
      })
      started.on('error', () => {})
    },
    close: () => void child?.kill(),
  }
}

export function mistakesIn(printed: string, folder: string): TypeMistake[] {
  return Array.from(printed.matchAll(MISTAKE), ([, path = '', line, column, message = '']) => ({
    message,
    place: { path: resolve(folder, path), line: Number(line), column: Number(column) },
  }))
}

function nearest(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, name))) return folder
    if (folder === dirname(folder)) return undefined
  }
}
