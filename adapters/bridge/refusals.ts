/** Refuses by name what another server has and what cannot be carried over. */

import type { Json } from './peer.ts'
import { isJson } from './peer.ts'

/** Capabilities that are carried over. */
const CARRIED = new Set(['tools', 'prompts', 'resources', 'completions', 'logging'])

/** Capabilities that hold names of their own. */
const GROUPS = new Set(['experimental', 'extensions'])

/** Extensions that work as they are: metadata of tools and results, and resources, which are carried over. */
const CARRIED_EXTENSIONS = new Set(['extensions.io.modelcontextprotocol/ui'])

/** Throws a `TypeError` that names each capability that is not carried over, unless `without` names it. */
export function requireCarried(
  what: string,
  capabilities: Json,
  without: readonly string[] = [],
  more: readonly string[] = [],
): void {
  const names = Object.entries(capabilities).flatMap(([name, value]) => {
    if (CARRIED.has(name) || value === undefined || value === false) return []
    if (!GROUPS.has(name)) return [name]
    return isJson(value) ? Object.keys(value).map((part) => `${name}.${part}`) : []
  })
  const refused = [...names, ...more].filter(
    (name) => !without.includes(name) && !CARRIED_EXTENSIONS.has(name),
  )
  if (refused.length === 0) return
  const list = refused.map((name) => `'${name}'`).join(', ')
  throw new TypeError(
    `${what} has ${list}, which cannot be carried over: offer it with createMcp(), or leave it out with { without: [${list}] }`,
  )
}
