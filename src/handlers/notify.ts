/** `ctx.notify` and `mcp.notify`: what authors publish to all clients that listen. */
import type { Change } from '../state/change-log.ts'
import type { Notify } from './context.ts'

export function createNotify(publish: (change: Change) => Promise<void>): Notify {
  // A caller that does not wait must not end the process by an unhandled rejection.
  const publishChange = (change: Change) => {
    const durable = publish(change)
    durable.catch(() => {})
    return durable
  }
  const listChanged =
    (kind: 'tools' | 'prompts' | 'resources') => (caller?: { readonly subject: string }) =>
      // Without a subject, a change for one caller would be told to everybody.
      publishChange({ kind, ...(caller && { subject: `${caller.subject}` }) })
  return {
    toolsChanged: listChanged('tools'),
    promptsChanged: listChanged('prompts'),
    resourcesChanged: listChanged('resources'),
    resourceUpdated: (uri) => publishChange({ kind: 'resource', uri }),
  }
}
