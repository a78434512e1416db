/** `server/discover` of 2026, and the capabilities that it and `initialize` announce. */
import type { Server } from '../server.ts'
import type { ModernMethodCall } from './call.ts'
import { writeResult } from './results.ts'
import type { Era } from './revisions.ts'
import { MODERN_REVISIONS } from './revisions.ts'
import { TASKS_EXTENSION } from './tasks-extension.ts'

export function discover(call: ModernMethodCall): string {
  const { server } = call
  return writeResult(call, {
    supportedVersions: MODERN_REVISIONS,
    capabilities: capabilities(server, 'modern'),
    instructions: server.instructions,
    ...server.cache,
  })
}

/** Announces exactly what the table of methods would answer (B57, C25). */
export function capabilities(server: Server, era: Era): object {
  const { tools, prompts, resources, templates } = server.registry
  // A client of 2025 listens, and subscribes, within its session.
  const listening = server.listening && (era === 'modern' || server.sessionIds !== 'none')
  const changes = listening && { listChanged: true }
  const hasTasks = tools.get(server.resultTool)?.durable
  const hasResources = resources.size + templates.size > 0
  const completes = [...prompts.values(), ...templates.values()].some(
    ({ options }) => options.complete,
  )
  return {
    logging: {},
    ...(completes && { completions: {} }),
    ...(tools.size > 0 && { tools: { ...changes } }),
    ...(prompts.size > 0 && { prompts: { ...changes } }),
    ...(hasResources && {
      resources: { ...changes, ...(listening && { subscribe: true }) },
    }),
    ...(era === 'modern' && { extensions: hasTasks ? { [TASKS_EXTENSION]: {} } : {} }),
  }
}
