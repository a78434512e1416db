/** The tasks that this client has started, by server, in a private file: the protocol has no list of tasks. */

import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject, parseJson } from './json.ts'
import { withLock } from './lock.ts'

export interface StartedTask {
  readonly taskId: string
  readonly tool: string
  /** Epoch milliseconds. */
  readonly startedAt: number
}

/** How many tasks of a server are kept, and for how many milliseconds. */
const LIMIT = 50
const KEPT_FOR = 30 * 86_400_000

export class TaskList {
  readonly #folder: string
  readonly #server: string

  constructor(folder: string, server: string) {
    this.#folder = folder
    this.#server = server
  }

  /** Oldest first. A file that cannot be read is an empty list. */
  async all(): Promise<readonly StartedTask[]> {
    return tasksOf(await this.#read(), this.#server)
  }

  /** Keeps a task. A folder that cannot be written does not stop the call. */
  async add(taskId: string, tool: string, now = Date.now()): Promise<void> {
    const path = this.#path
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await withLock(`${path}.lock`, async () => {
        const file = await this.#read()
        const kept = tasksOf(file, this.#server).filter((one) => {
          return one.taskId !== taskId && now - one.startedAt < KEPT_FOR
        })
        file[this.#server] = [...kept, { taskId, tool, startedAt: now }].slice(-LIMIT)
        const draft = `${path}.${randomUUID()}`
        await writeFile(draft, JSON.stringify(file, undefined, 2), { mode: 0o600 })
        await rename(draft, path)
      })
    } catch {}
  }

  get #path(): string {
    return join(this.#folder, 'tasks.json')
  }

  async #read(): Promise<Record<string, unknown>> {
    const file = parseJson(await readFile(this.#path, 'utf8').catch(() => '{}'))
    return isObject(file) ? file : {}
  }
}

function tasksOf(file: Record<string, unknown>, server: string): StartedTask[] {
  const tasks = Object.hasOwn(file, server) ? file[server] : []
  return Array.isArray(tasks) ? tasks.filter(isStartedTask) : []
}

function isStartedTask(value: unknown): value is StartedTask {
  return (
    isObject(value) &&
    typeof value.taskId === 'string' &&
    typeof value.tool === 'string' &&
    typeof value.startedAt === 'number'
  )
}
