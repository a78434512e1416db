/** The tool by which clients without tasks get what came of a tool with `task`. */
import type { Registry } from './registry.ts'
import { createTool } from './tool.ts'

const INPUT = {
  type: 'object',
  properties: {
    task: { type: 'string', description: 'The handle, as the earlier call returned it' },
    cancel: { type: 'boolean', description: 'Cancels the work' },
  },
  required: ['task'],
} as const

/** Adds the tool with the first tool that needs it. The code of tasks runs it, not its handler. */
export function addResultTool(registry: Registry, name: string): void {
  if (registry.tools.get(name)?.durable) return
  const description = 'Result or state of work that an earlier call has begun and that goes on'
  const tool = createTool(name, { description, input: INPUT }, () => undefined)
  registry.add(registry.tools, name, { ...tool, durable: true })
}
