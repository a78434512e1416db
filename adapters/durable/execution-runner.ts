/** Starts, wakes and ends the executions of tasks, and replaces those that Lambda has given up. */
import type { Runner, RunnerTask, StalledTurn, TaskEngine } from '../../src/index.ts'
import { executionName, executionOf, parseExecution } from './execution-name.ts'
import { LambdaApi } from './lambda-api.ts'
import type { LambdaRunnerOptions } from './options.ts'

const RESCUE_AFTER = 30_000

/** Milliseconds after which a start that did not lead to a turn is repeated under another name. */
const START_WINDOW = 5 * 60_000

export class ExecutionRunner implements Runner {
  readonly #engine: TaskEngine
  readonly #function: string
  readonly #rescueAfter: number
  readonly #lambda: LambdaApi

  constructor(engine: TaskEngine, options: LambdaRunnerOptions) {
    const { rescueAfter = RESCUE_AFTER, fetch = globalThis.fetch } = options
    this.#engine = engine
    this.#function = options.function
    this.#rescueAfter = rescueAfter
    this.#lambda = new LambdaApi({ region: options.function.split(':')[3] ?? '', fetch })
  }

  async start(task: RunnerTask): Promise<void> {
    await this.#start(task, 0)
  }

  /**
   * Ends the wait of the execution. An execution that does not wait reads the record itself before it
   * does. The answer is in the store, so a failure here does not fail the request.
   */
  async wake(task: RunnerTask, token?: string): Promise<void> {
    await this.#attempt(task, async () => {
      const isWoken = token !== undefined && (await this.#succeed(token))
      if (!isWoken && token !== undefined) await this.#replaceEnded(task, 0)
    })
  }

  /** A turn that runs notices the cancellation in the store. A sleep or a question would only wait. */
  async cancel(task: RunnerTask): Promise<void> {
    await this.#attempt(task, async () => {
      const execution = executionOf((await this.#engine.runnerOf(task)) ?? '')
      if (parseExecution(execution)) await this.#lambda.stop(execution)
    })
  }

  async rescue(task: RunnerTask, { due, token }: StalledTurn): Promise<void> {
    const stalledFor = this.#engine.clock() - due
    if (stalledFor < this.#rescueAfter) return
    if (token !== undefined && (await this.#succeed(token))) return
    await this.#replaceEnded(task, stalledFor)
  }

  /** Whether an execution waited for this callback. */
  async #succeed(token: string): Promise<boolean> {
    try {
      await this.#lambda.succeed(token)
      return true
    } catch {
      // It waits no longer, has ended, or Lambda is away: the state of the execution tells.
      return false
    }
  }

  /** Starts the task again unless its execution runs. */
  async #replaceEnded(task: RunnerTask, stalledFor: number): Promise<void> {
    const execution = executionOf((await this.#engine.runnerOf(task)) ?? '')
    const known = parseExecution(execution)
    const status = known && (await this.#lambda.statusOf(execution))
    if (status === 'RUNNING') return
    // An execution that has not begun its first turn is not known yet: it may wait for an instance.
    if (!known && stalledFor < 2 * this.#rescueAfter) return
    // Each instance computes the same name, so one of them starts the execution. An execution that ended
    // before its first turn leaves no trace, so the name changes with time, too.
    const window = Math.floor(stalledFor / START_WINDOW)
    const generation = (known?.generation ?? 0) + 1 + window
    await this.#start(task, generation)
    this.#engine.log({
      level: 'warn',
      message: 'A task was started again, because its execution had ended',
      task: task.id,
      generation,
      ...(status && { status }),
    })
  }

  async #start({ owner, id, endsBy }: RunnerTask, generation: number): Promise<void> {
    await this.#lambda.start(this.#function, executionName(id, generation), { owner, id, endsBy })
  }

  async #attempt({ id: task }: RunnerTask, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      const message = 'A task could not be woken: the next request for it tries again'
      this.#engine.log({ level: 'warn', message, task, error: String(error) })
    }
  }
}
