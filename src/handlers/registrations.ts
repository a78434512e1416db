/** Counts and remembers what is registered and removed, from the first one on who wants to know it. */
import type { Guarded } from './access.ts'
import type { Registry } from './registry.ts'

/** An item that was added to a map of the registry, or removed from it. */
interface Registered {
  readonly map: object
  readonly item: Guarded
}

/** Registrations that are remembered. */
const MOST_REMEMBERED = 100

export interface Registrations {
  count: number
  readonly latest: Registered[]
}

const known = new WeakMap<Registry, Registrations>()

export function registrationsOf(registry: Registry): Registrations {
  const found = known.get(registry)
  if (found) return found
  const made: Registrations = { count: 0, latest: [] }
  known.set(registry, made)
  registry.onChange = (map, item) => {
    made.count++
    if (made.latest.push({ map, item }) > MOST_REMEMBERED) made.latest.shift()
  }
  return made
}
