/** The server's name and version in results of 2026. Apart from `results.ts`, because every start reads it. */
import type { Implementation } from './types.ts'

/** `_meta` of every result of 2026 (C19). */
export function serverMeta({
  info,
}: {
  readonly info: Implementation
}): Record<string, Implementation> {
  return { 'io.modelcontextprotocol/serverInfo': info }
}

/** How nearly every result of 2026 begins; it never changes, so it is written once. */
export function resultPrefixOf(info: Implementation): string {
  return JSON.stringify({ resultType: 'complete', _meta: serverMeta({ info }) }).slice(0, -1)
}
