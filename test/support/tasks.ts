/** Durable tools in tests: servers whose turns a test runs by hand, clients that follow tasks, processes that die. */
import type { Mcp, McpOptions, Store, TaskRef, Turn, TurnOptions } from '../../src/index.ts'
import { createMcp, memoryStore } from '../../src/index.ts'
import { fetchEndpoint, ModernClient } from './wire.ts'

export const EXTENSION = 'io.modelcontextprotocol/tasks'

/** Capabilities of a client of 2026 that takes tasks and can be asked. */
export const TASKS = { elicitation: {}, extensions: { [EXTENSION]: {} } }

/** A memory store that several servers of one process share as if they were processes. */
export function sharedStore(engine: Store = memoryStore()): Store {
  return { ...engine, processLocal: false }
}

/** A runner that does nothing: the test runs each turn. */
export const byHand = () => ({ start: async () => {}, wake: async () => {} })

/** A client of 2026 that declares tasks. */
export class TaskClient extends ModernClient {
  constructor(
    mcp: Mcp,
    headers: Record<string, string> = {},
    capabilities: Record<string, object> = TASKS,
  ) {
    super(fetchEndpoint(mcp), { capabilities, headers })
  }

  /** Creates a task; its id. */
  async create(name: string, args: object = {}): Promise<string> {
    const { taskId } = await (await this.call(name, args)).result()
    return taskId
  }

  // biome-ignore lint/suspicious/noExplicitAny: a task has other members in each status
  async get(taskId: string): Promise<any> {
    return (await this.about('tasks/get', taskId)).result()
  }

  async answer(taskId: string, inputResponses: object): Promise<void> {
    await (await this.about('tasks/update', taskId, { inputResponses })).result()
  }

  async cancel(taskId: string): Promise<void> {
    await (await this.about('tasks/cancel', taskId)).result()
  }

  about(method: string, taskId: string, more: object = {}) {
    return this.request(method, { taskId, ...more }, { headers: { 'mcp-name': taskId } })
  }
}

/** A server whose turns are run by hand, and its client. */
export function manualServer(
  register: (mcp: Mcp) => void,
  options: Partial<McpOptions> = {},
): {
  mcp: Mcp
  client: TaskClient
  turn(taskId: string, more?: Partial<TurnOptions>): Promise<Turn>
} {
  const mcp = createMcp({ name: 'tasks', version: '1', runner: byHand, ...options })
  register(mcp)
  return {
    mcp,
    client: new TaskClient(mcp),
    turn: (id, more) => mcp.tasks.turn({ owner: 'anyone', id }, { runner: 'a', ...more }),
  }
}

export const partitionOf = ({ owner, id }: TaskRef) => `task/${owner}/${id}`

/** The entries of a task's journal. */
export async function journalOf(store: Store, id: string, owner = 'anyone') {
  const entries = await store.read([partitionOf({ owner, id }), 'journal'], 0)
  return entries.map(({ value }) => value as { e: string; name?: string })
}

/**
 * The store as one process sees it, which dies at its `dieAt`th operation or at once with `die()`: from
 * then on nothing is answered, as a process that was killed gets no answer either.
 */
export function mortalStore(engine: Store, dieAt = Number.POSITIVE_INFINITY) {
  let operations = 0
  let dead = false
  const operation =
    <A extends unknown[], R>(run: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> => {
      operations += 1
      if (operations >= dieAt) dead = true
      if (dead) return new Promise(() => {})
      // Half of the deaths are after the store has done what was asked.
      if (operations === dieAt - 1 && dieAt % 2 === 0) {
        dead = true
        return run(...args).then(() => new Promise(() => {}))
      }
      return run(...args).then((result) => (dead ? new Promise<R>(() => {}) : result))
    }
  const store: Store = {
    get: operation(engine.get),
    put: operation(engine.put),
    delete: operation(engine.delete),
    append: operation(engine.append),
    read: operation(engine.read),
  }
  return {
    store,
    die: () => {
      dead = true
    },
    get dead() {
      return dead
    },
    get operations() {
      return operations
    },
  }
}
