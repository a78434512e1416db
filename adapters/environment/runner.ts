/** The runner of tasks from the environment. A start without tasks does not read it. */
import type { RunnerFactory } from '../../src/index.ts'
import { lambdaRunner } from '../lambda-runner.ts'
import { EnvironmentError } from './variables.ts'

/**
 * Makes the runner for the durable function that `MCP_TASK_FUNCTION` names.
 *
 * @throws {EnvironmentError} for a name without an alias or a version
 */
export function readRunner(functionArn: string): RunnerFactory {
  try {
    return lambdaRunner({ function: functionArn })
  } catch (error) {
    throw new EnvironmentError(
      `MCP_TASK_FUNCTION: ${error instanceof Error ? error.message : error}`,
    )
  }
}
