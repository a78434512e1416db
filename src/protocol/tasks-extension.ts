/** How a server tells that it has tasks. */
import type { Server } from '../server.ts'

/** The name of the extension, which server and client declare (A.8). */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'

/** Whether any tool has `task`: then there is the tool that serves their results. */
export function offersTasks({ registry, resultTool }: Server): boolean | undefined {
  return registry.tools.get(resultTool)?.durable
}
