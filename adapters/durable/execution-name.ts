/**
 * The names of the executions of a task: its id, and for each later execution the id with a higher
 * number, as `<id>-2`. Lambda allows letters, digits, `-` and `_` in a name, 64 at most.
 */

/** Characters of a task's id, which may end in anything that looks like a number. */
const ID_LENGTH = 24

/** The part of an execution's ARN that names the function with its version, and the execution's name. */
const EXECUTION = /^(arn:.+)\/durable-execution\/([\w-]+)\/[\w-]+$/

/** The name of an execution of a task. The first generation is 0. */
export function executionName(id: string, generation: number): string {
  return generation === 0 ? id : `${id}-${generation}`
}

/** The function and the generation of an execution. Undefined for another text. */
export function parseExecution(
  arn: string,
): { readonly functionArn: string; readonly generation: number } | undefined {
  const [, functionArn, name] = EXECUTION.exec(arn) ?? []
  if (!functionArn || !name) return undefined
  return { functionArn, generation: Number(name.slice(ID_LENGTH + 1)) || 0 }
}

/** The id of the runner in the lease of a task: the execution, and one of its invocations. */
export function runnerId(executionArn: string, invocation: string): string {
  return `${executionArn} ${invocation}`
}

export function executionOf(runner: string): string {
  return runner.split(' ')[0] ?? ''
}
