/** Results as JSON text, with what their era wants on each. */
import type { Server } from '../server.ts'
import type { Result } from './call.ts'
import type { Era } from './revisions.ts'
import type { Implementation } from './types.ts'

/** The server's name card, on every modern result (C19). */
export function serverMeta({ info }: Pick<Server, 'info'>): Record<string, Implementation> {
  return { 'io.modelcontextprotocol/serverInfo': info }
}

/** Text stays as it is; an object is written, for a modern client with its kind and the name card (C19, C20). */
export function writeResult(server: Server, era: Era, result: Result): string {
  if (typeof result === 'string') return result
  if (era === 'legacy') return JSON.stringify(result)
  if ('_meta' in result || 'resultType' in result) {
    const { _meta, ...rest } = result as { _meta?: object }
    const all = { ..._meta, ...serverMeta(server) }
    return JSON.stringify({ resultType: 'complete', ...rest, _meta: all })
  }
  const json = JSON.stringify(result)
  return json === '{}' ? `${server.resultPrefix}}` : `${server.resultPrefix},${json.slice(1)}`
}

/** How nearly every modern result begins: the same for all of a server's life, so written once. */
export function resultPrefixOf(info: Implementation): string {
  return JSON.stringify({ resultType: 'complete', _meta: serverMeta({ info }) }).slice(0, -1)
}
