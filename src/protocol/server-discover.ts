/** `server/discover` of 2026, and the capabilities that it and `initialize` announce. */
import type { Server } from '../server.ts'
import type { ModernMethodCall } from './call.ts'
import { writeResult } from './results.ts'
import type { Revision } from './revisions.ts'
import { claimsModern, has, MODERN_REVISIONS } from './revisions.ts'
import { offersTasks, TASKS_EXTENSION } from './tasks-extension.ts'

export function discover(call: ModernMethodCall): string {
  const { server } = call
  return writeResult(call, {
    supportedVersions: MODERN_REVISIONS,
    capabilities: capabilities(server, call.revision),
    instructions: server.instructions,
    ...server.cache,
  })
}

/** Announces exactly what the table of methods would answer (B57, C25). */
export function capabilities(server: Server, revision: Revision): object {
  const { tools, prompts, resources, templates } = server.registry
  // A client of 2025 listens, and subscribes, within its session.
  const modern = claimsModern(revision)
  const listening = server.listening && (modern || server.sessionIds !== 'none')
  const changes = listening && { listChanged: true }
  const extensions = server.registry.extensions?.settings(revision)
  const hasTasks = offersTasks(server)
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
    // The revisions of 2025 do not know the member: there only extensions bring it (SEP-2133).
    extensions: modern ? { ...extensions, ...(hasTasks && { [TASKS_EXTENSION]: {} }) } : extensions,
    tasks:
      hasTasks && has.tasks(revision)
        ? { cancel: {}, requests: { tools: { call: {} } } }
        : undefined,
  }
}
