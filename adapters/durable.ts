/** The handler of the durable function of AWS Lambda that runs the turns of tasks. */
import { randomUUID } from 'node:crypto'
import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { withDurableExecution } from '@aws/durable-execution-sdk-js'
import type { Mcp, RunnerTask, Turn } from '../src/index.ts'
import { executionName, parseExecution, runnerId } from './durable/execution-name.ts'
import { LambdaApi } from './durable/lambda-api.ts'
import { EnvironmentError } from './environment/variables.ts'

export { readEnvironment } from './environment/lambda.ts'
export type { EnvironmentOptions } from './environment/options.ts'
export type { Environment } from './environment/variables.ts'
export { EnvironmentError } from './environment/variables.ts'

/** Options of {@link durable}. */
export interface DurableOptions {
  /**
   * Milliseconds before the function's timeout from which no new step begins. The turn then goes on in
   * another invocation. It is never more than a quarter of the time that an invocation has.
   * @default 30 seconds
   */
  margin?: number
}

/**
 * The handler of a durable function. Its event and its result are between Lambda and AWS's SDK, whose
 * types need further packages.
 */
export type DurableHandler = (event: object, context: object) => Promise<object>

const MARGIN = 30_000

/** Turns of one execution, each of at most three operations. Lambda allows 3,000. */
const MOST_TURNS = 900

/** The longest wait in seconds; a longer sleep is looked at again in between. */
const LONGEST_WAIT = 30 * 86_400

/** What comes after a turn. It is recorded, so that each replay takes the same way. */
type Next =
  | { readonly ended: string }
  | { readonly seconds: number; readonly asks?: boolean | undefined }

/**
 * Runs the tasks of a server as durable executions of Lambda: one step for each turn, a wait for each sleep,
 * a callback for each question. The steps of the tools themselves are in the server's store.
 *
 * The function needs `DurableConfig` in its template, and the rights `lambda:CheckpointDurableExecution`,
 * `lambda:GetDurableExecutionState` and `lambda:InvokeFunction` on itself.
 *
 * @throws {EnvironmentError} for a server that keeps its tasks in memory
 * @example
 * const mcp = createServer(await readEnvironment())
 * export const handler = durable(mcp)
 */
export function durable(
  { tasks, store }: Pick<Mcp, 'tasks' | 'store'>,
  { margin = MARGIN }: DurableOptions = {},
): DurableHandler {
  if (store.processLocal) {
    throw new EnvironmentError(
      'durable() needs a store that it shares with the server: set MCP_TABLE, and spread `await readEnvironment()` into the options of createMcp()',
    )
  }
  const handler = withDurableExecution(async (task: RunnerTask, context) => {
    const { durableExecutionArn } = context.executionContext
    const runner = runnerId(durableExecutionArn, randomUUID())
    const left = context.lambdaContext.getRemainingTimeInMillis()
    const yieldAt = Date.now() + left - Math.min(margin, left / 4)
    for (let n = 1; n <= MOST_TURNS; n++) {
      const next = await step(context, `turn ${n}`, async () =>
        // Lambda runs one invocation of an execution, so another runner that holds the lease is dead.
        toNext(await tasks.turn(task, { runner, yieldAt }), task, yieldAt),
      )
      if ('ended' in next) return next.ended
      if (next.asks) await answer(context, n, next.seconds, tasks, task)
      else if (next.seconds > 0) await context.wait(`pause ${n}`, { seconds: next.seconds })
    }
    await step(context, 'go on', () => startNext(durableExecutionArn, task))
    return 'goes on in another execution'
  })
  return handler as DurableHandler
}

/** Waits for an answer of the client, or until `seconds` are over. */
async function answer(
  context: DurableContext,
  n: number,
  seconds: number,
  tasks: Mcp['tasks'],
  task: RunnerTask,
): Promise<void> {
  const timeout = { seconds }
  const [answered, token] = await context.createCallback(`answer ${n}`, { timeout })
  // An answer may have come before the token was stored. Then no one calls back.
  const waits = await step(context, `token ${n}`, async () => {
    const turn = await tasks.setWakeToken(task, token)
    return turn === 'asks' || typeof turn === 'object'
  })
  if (!waits) return
  try {
    await answered
  } catch (error) {
    if (!isTimeout(error)) throw error
  }
}

const isTimeout = (error: unknown) =>
  error instanceof Error && error.name === 'CallbackTimeoutError'

/** A step that is repeated while the store or Lambda is away, with longer and longer pauses. */
function step<T>(context: DurableContext, name: string, run: () => Promise<T>): Promise<T> {
  return context.step(name, run, {
    retryStrategy: (_, attempt) => ({
      shouldRetry: attempt < 30,
      delay: { seconds: Math.min(2 ** (attempt - 1), 300) },
    }),
  })
}

function toNext(turn: Turn, { endsBy }: RunnerTask, yieldAt: number): Next {
  const now = Date.now()
  const until = (time: number) =>
    Math.min(Math.max(1, Math.ceil((Math.min(time, endsBy) - now) / 1_000)), LONGEST_WAIT)
  if (turn === 'again') {
    // A wait ends the invocation, and the next one has the whole time.
    return { seconds: now >= yieldAt ? 1 : 0 }
  }
  if (turn === 'busy') return { seconds: 1 }
  if (turn === 'asks') return { seconds: until(endsBy), asks: true }
  if (typeof turn === 'object') return { seconds: until(turn.sleepsUntil), asks: turn.asks }
  return { ended: turn }
}

/** The next execution runs the same version, because a replay needs the same steps. */
async function startNext(executionArn: string, task: RunnerTask): Promise<void> {
  const known = parseExecution(executionArn)
  if (!known) throw new TypeError(`Lambda named an execution in another way: ${executionArn}`)
  const region = known.functionArn.split(':')[3] ?? ''
  const lambda = new LambdaApi({ region, fetch: globalThis.fetch })
  const name = executionName(task.id, known.generation + 1)
  await lambda.start(known.functionArn, name, { ...task })
}
