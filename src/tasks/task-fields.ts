/** A task as its clients see it. */
import type { Server } from '../server.ts'
import type { Task } from './operations.ts'

/** The longest interval of polls, in milliseconds, and the part of its age after which a task is asked for again. */
const LONGEST_POLL = 60_000
const POLLS_OF_AGE = 10

const DEFAULT_POLL = 5_000

/** What the extension and the experimental tasks of 2025 tell of a task alike, in the words of the extension. */
export function toTaskFields(server: Server, { ref, value }: Task) {
  const { status, statusMessage, createdAt, updatedAt, ttl } = value
  const { pollEvery = DEFAULT_POLL } = server.registry.tools.get(value.tool)?.options.task ?? {}
  // Every poll costs a request: a task that has not changed for long is asked for less often.
  const quiet = (server.clock() - updatedAt) / POLLS_OF_AGE
  return {
    taskId: ref.id,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(updatedAt).toISOString(),
    ttlMs: ttl,
    pollIntervalMs: Math.round(Math.max(pollEvery, Math.min(quiet, LONGEST_POLL))),
  }
}
