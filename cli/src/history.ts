/** The commands of earlier sessions, in a private file. The prompt decides which lines are kept. */

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LIMIT = 1_000

export interface History {
  /** Oldest first. */
  readonly lines: readonly string[]
  add(line: string): void
}

/** A history that cannot be read or written does not stop a session. */
export function openHistory(folder: string): History {
  const path = join(folder, 'history')
  let lines: string[] = []
  try {
    lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {}
  if (lines.length > 2 * LIMIT) {
    lines = lines.slice(-LIMIT)
    try {
      writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
    } catch {}
  }
  return {
    lines: lines.slice(-LIMIT),
    add(line) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        // Each line is appended by itself, so two sessions at the same time keep the lines of both.
        appendFileSync(path, `${line}\n`, { mode: 0o600 })
      } catch {}
    },
  }
}
