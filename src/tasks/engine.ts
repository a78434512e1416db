/** The tasks of one server: which of them this process runs, who waits for them, and the runner that starts their turns. */
import { delay } from '../lib/delay.ts'
import type { Server } from '../server.ts'
import type { TypedStore } from '../state/store.ts'
import { StoreConflict } from '../state/store.ts'
import type { TaskProgress } from './context.ts'
import { Journal, LostTask } from './journal.ts'
import { readTask, TaskState, waitOf } from './record.ts'
import type { Runner, RunnerTask, TaskEngine, TaskRef, Turn, TurnOptions } from './runner.ts'
import type { StoredTask, TaskLease, TaskRecord } from './task.ts'
import { expiryOf, isTerminal, taskKeys } from './task.ts'
import { expiredMessage, failedWith, RunEnded, TaskRun } from './turn.ts'

/** Someone in this process who waits for a task. */
export interface Follower {
  onChange(stored: StoredTask): void
  onProgress(progress: TaskProgress): void
}

/** The lease of a turn, as this process has taken it. */
interface Claim {
  readonly version: number
  /** No runner has begun this turn before. */
  readonly isNew: boolean
  /** Another runner has begun it. */
  readonly takesOver: boolean
}

/** Takeovers without any progress, after which a task is given up: it seems to kill the process that runs it. */
const MOST_CLAIMS = 5

/** Milliseconds in which a runner tells the others that it ends. */
const LONGEST_LEAVE = 1_000

const engines = new WeakMap<Server, Promise<Engine>>()

/** The engine of a server, made with its first task. */
export function engineOf(server: Server): Promise<Engine> {
  const known = engines.get(server) ?? Engine.create(server)
  engines.set(server, known)
  return known
}

/** Lets the steps that run end within `grace` milliseconds, and begins no others. */
export async function closeTasks(server: Server, grace: number): Promise<void> {
  await (await engines.get(server))?.close(grace)
}

export class Engine implements TaskEngine {
  readonly server: Server
  readonly #runs = new Map<string, TaskRun>()
  readonly #followers = new Map<string, Set<Follower>>()
  /** Tasks that were just created: their first turn needs no reads. */
  readonly #created = new Map<string, StoredTask>()
  readonly #closing = new AbortController()
  #runner: Runner | undefined

  private constructor(server: Server) {
    this.server = server
  }

  static async create(server: Server): Promise<Engine> {
    const engine = new Engine(server)
    engine.#runner = await server.runner(engine)
    return engine
  }

  get store() {
    return this.server.store
  }

  get clock() {
    return this.server.clock
  }

  get log() {
    return this.server.log
  }

  get runner(): Runner {
    if (!this.#runner) throw new TypeError('The runner is used before it is made')
    return this.#runner
  }

  /** Aborts when the server stops. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Hands a new task to the runner. Its first turn, if it begins in this process at once, reads nothing. */
  async start(ref: TaskRef, stored: StoredTask): Promise<void> {
    this.#created.set(ref.id, stored)
    try {
      await this.runner.start(toRunnerTask(ref, stored))
    } finally {
      this.#created.delete(ref.id)
    }
  }

  isRunning({ id }: TaskRef): boolean {
    return this.#runs.has(id)
  }

  /** Tells of every change of the task that this process makes. Returns the function that ends it. */
  follow({ id }: TaskRef, follower: Follower): () => void {
    const followers = this.#followers.get(id) ?? new Set()
    this.#followers.set(id, followers.add(follower))
    return () => {
      followers.delete(follower)
      if (followers.size === 0) this.#followers.delete(id)
    }
  }

  changed({ id }: TaskRef, stored: StoredTask): void {
    for (const { onChange } of this.#followers.get(id) ?? []) onChange(stored)
  }

  async turn(ref: TaskRef, options: TurnOptions): Promise<Turn> {
    const running = this.#runs.get(ref.id)
    if (running) {
      await running.check()
      return 'busy'
    }
    const created = this.#created.get(ref.id)
    this.#created.delete(ref.id)
    const stored = created ?? (await readTask(this.store, ref))
    if (!stored) return 'gone'
    const { value: record } = stored
    if (isTerminal(record)) return 'done'
    const now = this.clock()
    if (now >= record.createdAt + record.ttl) return this.expire(ref, stored)
    const wait = waitOf(record, now)
    if (wait !== 'again') return wait
    if (this.closing.aborted) return 'busy'
    const claim = await this.#claim(ref, record, options, created !== undefined)
    if (!claim) return 'busy'
    return this.#run(ref, stored, options, claim)
  }

  async runnerOf(ref: TaskRef): Promise<string | undefined> {
    return (await (this.store as TypedStore).get<TaskLease>(taskKeys(ref).lease))?.value.runner
  }

  async setWakeToken(ref: TaskRef, token: string): Promise<Turn> {
    const stored = await readTask(this.store, ref)
    return stored ? this.#state(ref, stored).setWakeToken(token) : 'gone'
  }

  /** Asks the runner to look after a task whose turn is due. The client gets the state in any case. */
  async rescue(ref: TaskRef, stored: StoredTask, due: number): Promise<void> {
    const token = stored.value.wakeToken
    try {
      await this.runner.rescue?.(toRunnerTask(ref, stored), { due, token })
    } catch (error) {
      const message = 'A task could not be looked after'
      this.log({ level: 'warn', message, task: ref.id, error: String(error) })
    }
  }

  /** Ends a task whose time is over. */
  async expire(ref: TaskRef, stored: StoredTask): Promise<Turn> {
    return this.#state(ref, stored).end(failedWith(expiredMessage(stored.value)))
  }

  /**
   * Takes the lease for this turn, or nothing when another runner has it and lives. The lease only decides
   * when to take over: the journal keeps two runners apart.
   */
  async #claim(
    ref: TaskRef,
    record: TaskRecord,
    { runner, isAlive }: TurnOptions,
    isNew: boolean,
  ): Promise<Claim | undefined> {
    const store = this.store as TypedStore
    const { lease: key } = taskKeys(ref)
    const lease = isNew ? undefined : await store.get<TaskLease>(key)
    // A lease of an earlier turn was ended by the write that parked the task.
    const held = lease?.value.turn === record.turns ? lease.value.runner : undefined
    if (held && isAlive && held !== runner && (await isAlive(held))) return undefined
    try {
      const value: TaskLease = { runner, turn: record.turns }
      const options = { expiresAt: expiryOf(record), ifVersion: lease?.version ?? 0 }
      const version = await store.put(key, value, options)
      // A turn that failed here, as when the store was away, is over: it needs no fence.
      return {
        version,
        isNew: held === undefined,
        takesOver: held !== undefined && held !== runner,
      }
    } catch (error) {
      if (error instanceof StoreConflict) return undefined
      throw error
    }
  }

  async #run(
    ref: TaskRef,
    stored: StoredTask,
    { runner, yieldAt }: TurnOptions,
    claim: Claim,
  ): Promise<Turn> {
    const { value: record } = stored
    const { journal: key } = taskKeys(ref)
    const isFirst = record.turns === 0 && claim.isNew
    const journal = isFirst
      ? new Journal(this.store, key, expiryOf(record))
      : await Journal.read(this.store, key, expiryOf(record))
    const refusal = this.#refusal(record, journal)
    if (refusal) return this.#state(ref, stored).end(failedWith(refusal))
    const tool = this.server.registry.tools.get(record.tool)
    // Two turns of one process may have read the record at the same time: the first one runs.
    if (!tool || this.isRunning(ref)) return 'busy'
    const run = new TaskRun({
      server: this.server,
      ref,
      tool,
      journal,
      stored,
      yieldAt,
      onChange: (changed) => this.changed(ref, changed),
      onProgress: (progress) => {
        for (const { onProgress } of this.#followers.get(ref.id) ?? []) onProgress(progress)
      },
    })
    this.#runs.set(ref.id, run)
    try {
      // From here on, what an earlier runner of this turn appends conflicts.
      if (claim.takesOver) await journal.add({ e: 'claim', runner }).written
      return await run.run()
    } catch (error) {
      if (!(error instanceof LostTask)) throw error
      return (await this.#hasLease(ref, claim.version)) ? 'again' : 'lost'
    } finally {
      this.#runs.delete(ref.id)
    }
  }

  /** Why the task cannot go on. */
  #refusal(record: TaskRecord, journal: Journal): string | undefined {
    const { tools } = this.server.registry
    const tool = tools.get(record.tool)
    if (!tool?.options.task) return `The server no longer offers ${record.tool} as a task`
    const { version = DEFAULT_VERSION } = tool.options.task
    if (version !== record.version) {
      return `The task began under version "${record.version}" of ${record.tool}, which is now "${version}"`
    }
    if (journal.trailingClaims < MOST_CLAIMS) return undefined
    return `The task ended ${MOST_CLAIMS + 1} runners one after another without any progress`
  }

  /** An append of an earlier runner may have come between, although this one has the lease. */
  async #hasLease(ref: TaskRef, version: number): Promise<boolean> {
    return (await this.store.get(taskKeys(ref).lease))?.version === version
  }

  #state(ref: TaskRef, stored: StoredTask): TaskState {
    return new TaskState(this.server, ref, stored, (changed) => this.changed(ref, changed))
  }

  async close(grace: number): Promise<void> {
    this.#closing.abort()
    for (const run of this.#runs.values()) run.yield()
    const end = Date.now() + grace
    const { signal } = new AbortController()
    while (this.#runs.size > 0 && Date.now() < end) await delay(10, signal)
    for (const run of this.#runs.values()) run.abort(new RunEnded('The server is shutting down'))
    // A store that is away must not keep the process: then the others wait for a lease.
    await Promise.race([this.runner.close?.(), delay(LONGEST_LEAVE, signal)])
  }
}

export function toRunnerTask({ owner, id }: TaskRef, { value }: StoredTask): RunnerTask {
  return { owner, id, endsBy: value.createdAt + value.ttl }
}

/** The version of a tool that names none. */
export const DEFAULT_VERSION = '1'
