/** The tools of each part of the suite: endpoints, and clients of every revision. */
import { afterAll, beforeAll } from 'vitest'
import type { McpOptions } from '../../../src/index.ts'
import type {
  ClientOptions,
  LegacyRevision,
  OpenEndpoint,
  TestEndpoint,
  WireClient,
} from '../../support/wire.ts'
import { LegacyClient, ModernClient } from '../../support/wire.ts'

/**
 * Abilities that a host may lack: notice that a client has left, hold streams that only listen, and
 * continue to work after the end of a reply.
 */
export type Missing = 'disconnect' | 'listening' | 'background'

export interface Suite {
  readonly open: OpenEndpoint
  /** The server with its default options. */
  readonly endpoint: () => TestEndpoint
  can(what: Missing): boolean
}

/** One endpoint for all tests of a block, with plain-data options. */
export function shared(open: OpenEndpoint, options?: Partial<McpOptions>): () => TestEndpoint {
  let endpoint: TestEndpoint | undefined
  beforeAll(async () => {
    endpoint = await open(options)
  }, 60_000)
  afterAll(() => endpoint?.close())
  return () => {
    if (!endpoint) throw new Error('The endpoint did not open')
    return endpoint
  }
}

export const LEGACY: readonly LegacyRevision[] = ['2025-03-26', '2025-06-18', '2025-11-25']
export const REVISIONS = [...LEGACY, '2026-07-28'] as const
export type AnyRevision = (typeof REVISIONS)[number]

export function connect(
  endpoint: TestEndpoint,
  revision: AnyRevision,
  options?: ClientOptions,
): Promise<WireClient> {
  return revision === '2026-07-28'
    ? Promise.resolve(new ModernClient(endpoint, options))
    : LegacyClient.open(endpoint, revision, options)
}

export const isModern = (revision: string) => revision >= '2026-07-28'

/** All capabilities that a client can declare. */
export const ABLE = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {} },
  roots: { listChanged: true },
}
