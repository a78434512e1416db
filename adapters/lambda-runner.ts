/** The runner of tasks on AWS: each task is an execution of a durable function of Lambda. */
import type { RunnerFactory } from '../src/index.ts'
import type { LambdaRunnerOptions } from './durable/options.ts'

export type { LambdaRunnerOptions } from './durable/options.ts'

/** The parts of a qualified ARN of a function. */
const QUALIFIED = /^arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+:[\w$-]+$/

/**
 * Runs tasks as executions of a durable function of AWS Lambda. The server on the API's function starts
 * and wakes them, and the function whose handler is `durable(mcp)` runs their turns. Both need one store.
 *
 * The role of the server needs `lambda:InvokeFunction` on the alias, and
 * `lambda:SendDurableExecutionCallbackSuccess`, `lambda:StopDurableExecution` and
 * `lambda:GetDurableExecution` on the executions.
 *
 * @throws {TypeError} for an ARN without an alias or a version
 * @example createMcp({ name: 'jobs', version: '1.0.0', store, runner: lambdaRunner({ function: aliasArn }) })
 */
export function lambdaRunner(options: LambdaRunnerOptions): RunnerFactory {
  if (!QUALIFIED.test(options.function)) {
    throw new TypeError(
      `lambdaRunner() needs the ARN of a function with an alias or a version, not "${options.function}"`,
    )
  }
  return async (engine) => {
    const { ExecutionRunner } = await import('./durable/execution-runner.ts')
    return new ExecutionRunner(engine, options)
  }
}
