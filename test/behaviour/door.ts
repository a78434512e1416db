/** What each part of the suite gets: doors, and clients of every revision. */
import { afterAll, beforeAll } from 'vitest'
import type { McpOptions } from '../../src/index.ts'
import type { ClientOptions, LegacyRevision, OpenDoor, TestDoor, WireClient } from '../wire.ts'
import { LegacyClient, ModernClient } from '../wire.ts'

/**
 * What a host may be unable to do: see that a client has left, hold streams that only listen, and go
 * on with anything behind the end of a reply.
 */
export type Missing = 'disconnect' | 'listening' | 'background'

export interface Suite {
  readonly open: OpenDoor
  /** The server with its default options. */
  readonly door: () => TestDoor
  can(what: Missing): boolean
}

/** One door for all tests of a block, with plain-data options. */
export function shared(open: OpenDoor, options?: Partial<McpOptions>): () => TestDoor {
  let door: TestDoor | undefined
  beforeAll(async () => {
    door = await open(options)
  }, 60_000)
  afterAll(() => door?.close())
  return () => {
    if (!door) throw new Error('The door did not open')
    return door
  }
}

export const LEGACY: readonly LegacyRevision[] = ['2025-03-26', '2025-06-18', '2025-11-25']
export const REVISIONS = [...LEGACY, '2026-07-28'] as const
export type AnyRevision = (typeof REVISIONS)[number]

export function connect(
  door: TestDoor,
  revision: AnyRevision,
  options?: ClientOptions,
): Promise<WireClient> {
  return revision === '2026-07-28'
    ? Promise.resolve(new ModernClient(door, options))
    : LegacyClient.open(door, revision, options)
}

export const isModern = (revision: string) => revision >= '2026-07-28'

/** Everything a client can declare. */
export const ABLE = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {} },
  roots: { listChanged: true },
}
