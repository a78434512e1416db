/** The `task` option of a tool: what makes it outlive its request and its process. */

/** Options of a tool whose calls are durable. Times are in milliseconds. */
export interface TaskOptions {
  /** Within this time a task must end; its result is kept for a day longer. @default 1 day */
  ttl?: number
  /** How often a client should ask for the state of a task. It grows while nothing happens. @default 5 seconds */
  pollEvery?: number
  /**
   * A client that knows no tasks gets the plain result of a call that ends within this time, and then a
   * handle for `task_result`. Most clients give up a call after 60 seconds. @default 45 seconds
   */
  waitFor?: number
  /**
   * The version of the handler's steps. Change it when a task that began under the earlier code cannot go
   * on under the new one: such a task then ends as `failed`. @default '1'
   */
  version?: string
}

const TIMES = ['ttl', 'pollEvery', 'waitFor']

/** Throws a `TypeError` for options of a task that cannot work. */
export function requireTask(name: string, task: TaskOptions, timeout: number | undefined): void {
  const what = `task of tool "${name}"`
  if (timeout !== undefined) throw new TypeError(`${what} has a ttl: leave out timeout`)
  for (const [option, value] of Object.entries(task)) {
    const isText = option === 'version' && typeof value === 'string'
    if (isText || (TIMES.includes(option) && typeof value === 'number' && value >= 0)) continue
    throw new TypeError(`${option} in ${what}: use ${TIMES} (milliseconds) and version (text)`)
  }
}
