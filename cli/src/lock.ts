/** A lock between processes: the process that creates the file holds it. Another one takes over when the holder has died. */

import { randomUUID } from 'node:crypto'
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from './problem.ts'

export interface LockOptions {
  /** Milliseconds without a heartbeat after which a holder counts as dead. @default 5000 */
  readonly staleAfter?: number
  /** Milliseconds to wait for a living holder before giving up. @default 60000 */
  readonly timeout?: number
}

/** Runs `body` while holding the lock file at `path`; its folder must exist. */
export async function withLock<T>(
  path: string,
  body: () => Promise<T>,
  { staleAfter = 5_000, timeout = 60_000 }: LockOptions = {},
): Promise<T> {
  const id = randomUUID()
  const deadline = Date.now() + timeout
  while (!(await create(path, id))) {
    if (await isStale(path, staleAfter)) await removeStale(path, staleAfter)
    else if (Date.now() > deadline) {
      throw new Problem(`Another process has held ${path} for too long.`, {
        next: 'If no other streamable-mcp is running, delete that file.',
      })
    } else await sleep(20 + Math.random() * 40)
  }
  // The heartbeat, and not the age of the file, shows that the holder lives, because a refresh over a
  // slow network may take longer than any fixed limit.
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, staleAfter / 5)
  heartbeat.unref()
  try {
    return await body()
  } finally {
    clearInterval(heartbeat)
    // If this process was suspended for too long, the file may be the lock of another process by now.
    if ((await readFile(path, 'utf8').catch(() => '')) === id) await rm(path, { force: true })
  }
}

async function create(path: string, id: string): Promise<boolean> {
  try {
    await writeFile(path, id, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isStale(path: string, staleAfter: number): Promise<boolean> {
  const info = await stat(path).catch(() => undefined)
  return info !== undefined && Date.now() - info.mtimeMs > staleAfter
}

/**
 * Takes over a stale lock. Only one process does this at a time, and it checks again before it deletes.
 * Otherwise a process that saw the stale lock long ago would delete the new lock of a faster process.
 */
async function removeStale(path: string, staleAfter: number): Promise<void> {
  const takeover = `${path}.takeover`
  if (!(await create(takeover, ''))) {
    if (await isStale(takeover, staleAfter)) await rm(takeover, { force: true })
    else await sleep(5)
    return
  }
  try {
    if (await isStale(path, staleAfter)) await rm(path, { force: true })
  } finally {
    await rm(takeover, { force: true })
  }
}
