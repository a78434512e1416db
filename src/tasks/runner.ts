/** The runner of tasks: what decides where and when a task runs its next turn. */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Store } from '../state/store.ts'

/** Names a task: its owner and its id. */
export interface TaskRef {
  readonly owner: string
  readonly id: string
}

/** A task as its runner gets it. */
export interface RunnerTask extends TaskRef {
  /** Epoch milliseconds at which the task fails unless it has ended before. */
  readonly endsBy: number
}

/**
 * What a turn came to.
 *
 * - `done`: the task is terminal.
 * - `gone`: there is no such task, or it has expired.
 * - `asks`: it waits for the client; {@link Runner.wake} is called at an answer.
 * - `busy`: another runner has the lease.
 * - `lost`: another runner took over; this one has written nothing more.
 * - `again`: there is more to do now.
 * - `sleepsUntil`: epoch milliseconds of the next turn. With `asks` the task waits for the client, too.
 */
export type Turn =
  | 'done'
  | 'gone'
  | 'asks'
  | 'busy'
  | 'lost'
  | 'again'
  | { readonly sleepsUntil: number; readonly asks?: true }

/** Where and when tasks run. Made by `inProcess()` or an adapter. */
export interface Runner {
  /** Takes a new task. It must be durable before this resolves: a crash after it must not lose the task. */
  start(task: RunnerTask): Promise<void>
  /**
   * The task has got an answer or was cancelled. `token` is what `mcp.tasks.setWakeToken()` has stored
   * since the last turn.
   */
  wake(task: RunnerTask, token?: string): Promise<void>
  /** The task was cancelled. Without this method it is woken. */
  cancel?(task: RunnerTask, token?: string): Promise<void>
  /**
   * A client asks for a task whose turn has been due for some time. A runner that can tell whether the
   * task still runs starts it again if it does not.
   */
  rescue?(task: RunnerTask, stalled: StalledTurn): Promise<void>
  /** Takes over what earlier processes have left, where the runner can. */
  resume?(): Promise<void>
  /** Takes no more turns. Turns that run are ended by the engine. */
  close?(): Promise<void>
}

/** A turn that was due, and has not ended yet. */
export interface StalledTurn {
  /** Epoch milliseconds from which the turn could run. */
  readonly due: number
  /** What {@link Runner.wake} got at an answer, if that may not have arrived. */
  readonly token?: string | undefined
}

/** Options of one turn. */
export interface TurnOptions {
  /**
   * The id of the runner in the lease: the same for all turns of one process, and another one for each
   * process. A turn that another runner has begun is taken over, which is counted.
   */
  readonly runner: string
  /**
   * Whether another runner that holds the lease still lives. Without it the lease is taken in any case,
   * for engines that promise one runner for each task.
   */
  readonly isAlive?: ((runner: string) => MaybePromise<boolean>) | undefined
  /** Epoch milliseconds from which no new step begins: the turn ends as `again`. */
  readonly yieldAt?: number | undefined
}

/** A line of the log that a runner writes. Never an argument or a result of a task. */
export interface RunnerLogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly [field: string]: unknown
}

/** What a runner needs of the server. */
export interface TaskEngine {
  /** The store of the server, which holds the records and journals of its tasks. */
  readonly store: Store
  /** The time now, in milliseconds since 1970. */
  readonly clock: () => number
  /** Writes an entry to the log of the server. */
  readonly log: (entry: RunnerLogEntry) => void
  /**
   * Runs one turn of a task. Throws `StoreUnavailable` when the store is away: nothing is decided then,
   * and the turn is tried again later.
   */
  turn(task: TaskRef, options: TurnOptions): Promise<Turn>
  /** The id of the runner that has begun the latest turn: the `runner` of {@link TurnOptions}. */
  runnerOf(task: TaskRef): Promise<string | undefined>
}

/** Makes the runner of a server. */
export type RunnerFactory = (engine: TaskEngine) => MaybePromise<Runner>
