/** Calls a tool: reads its arguments, follows it if it becomes a task, checks its result and prints it. */

import type { CallToolResult, Tool } from '@modelcontextprotocol/client'
import { readArguments } from './arguments.ts'
import { followTask } from './follow-task.ts'
import { askForMissing } from './missing-arguments.ts'
import type { Operation } from './operations.ts'
import { keepFiles, listTools, metaOf, show } from './operations.ts'
import { toolResultText } from './present.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'
import { progressBar } from './progress.ts'
import { didYouMean } from './suggest.ts'
import type { Task } from './task.ts'
import { taskOf } from './task.ts'
import { text } from './text.ts'
import { checkResult } from './validate.ts'

export interface Call {
  readonly name: string
  /** The words that the user typed, or the arguments themselves. */
  readonly input: readonly string[] | Record<string, unknown>
}

export async function callTool(operation: Operation, call: Call): Promise<ExitCode> {
  const { output, handle } = operation
  const { result, tool, task } = await send(operation, call)
  if (task !== undefined) {
    await operation.tasks.add(task.taskId, call.name)
    if (operation.detach) return showTask(operation, task)
  }
  const final = task === undefined ? result : await followTask(operation, task, { cancels: true })
  await requireValid(final, tool, operation)
  const exit = await showToolResult(operation, final)
  if (handle.keep(final)) {
    const note = 'The session above goes along with each call; `session forget` drops it.'
    output.note(output.style('dim', note))
  }
  return exit
}

interface Sent {
  readonly result: CallToolResult
  readonly tool: Tool | undefined
  /** The task that the call has become. */
  readonly task: Task | undefined
}

async function send(operation: Operation, call: Call): Promise<Sent> {
  const { connection, output, signal, timeout, handle } = operation
  const bar = progressBar(output)
  try {
    return await connection.run(signal, async (client) => {
      // The tools are listed first, because the schema gives the types of arguments, checks the result and names headers.
      const tools = await listTools(client, { signal, timeout })
      const tool = findTool(tools, call.name)
      const given = Array.isArray(call.input)
        ? await readArguments(call.input, tool, operation)
        : (call.input as Record<string, unknown>)
      const complete = await askForMissing(given, tool, operation)
      const result = await client.callTool(
        { name: call.name, arguments: handle.addTo(complete, tool), ...metaOf(operation, client) },
        {
          signal,
          timeout,
          resetTimeoutOnProgress: true,
          onprogress: (progress) => bar.update(progress),
        },
      )
      return { result, tool, task: taskOf(result, tools) }
    })
  } finally {
    bar.clear()
  }
}

/** Prints the result of a tool, and keeps its files. */
export async function showToolResult(
  operation: Operation,
  result: CallToolResult,
): Promise<ExitCode> {
  show(operation, result, () => toolResultText(result, operation.output))
  await keepFiles(result, operation)
  return result.isError ? exitCodes.failed : exitCodes.ok
}

function showTask(operation: Operation, { taskId, status }: Task): ExitCode {
  const { output } = operation
  show(operation, { taskId, status }, () => text`${taskId}`)
  output.note(output.style('dim', text`\`task ${taskId}\` waits for its result.`))
  return exitCodes.ok
}

/** Throws for an unknown name that is close to a known one. Any other unknown name is sent to the server. */
function findTool(tools: readonly Tool[], name: string): Tool | undefined {
  const tool = tools.find((one) => one.name === name)
  const next =
    tool === undefined
      ? didYouMean(
          name,
          tools.map((one) => one.name),
        )
      : undefined
  if (next !== undefined) throw new Problem(`There is no tool "${name}".`, { next })
  return tool
}

async function requireValid(
  { structuredContent, isError }: CallToolResult,
  tool: Tool | undefined,
  { output, signal }: Operation,
): Promise<void> {
  if (tool?.outputSchema === undefined || isError === true) return
  if (structuredContent === undefined) {
    throw new Problem(`The tool "${tool.name}" has an output schema and returned no structure.`, {
      next: 'The server has to be repaired; `doctor` cannot see this.',
    })
  }
  const { verdict, reason = 'no reason given' } = await checkResult(
    tool.outputSchema,
    structuredContent,
    signal,
  )
  if (verdict === 'invalid') {
    throw new Problem(`The result does not match the output schema of the tool: ${reason}.`, {
      next: 'The server has to be repaired: it breaks its own description.',
    })
  }
  if (verdict === 'unchecked') {
    const sentence = `The result was not checked against the schema of the tool: ${reason}.`
    output.note(output.style('yellow', sentence))
  }
}
