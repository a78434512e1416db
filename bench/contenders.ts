/** The servers that are measured, and the requests that each of them needs. */
import type { Call } from './calls.ts'
import { ADD, count, INITIALIZE, legacy, modern } from './calls.ts'
import type { Client } from './client.ts'
import { shakeHands } from './client.ts'

export interface Contender {
  readonly label: string
  /** The name of a file in `servers/`. */
  readonly server: string
  readonly era: 'legacy' | 'modern'
  readonly env?: Record<string, string>
  /** Environment that makes the server send progress, for servers whose other replies become slower by it. */
  readonly streamEnv?: Record<string, string>
  /** True for a server that does not send progress in this setup. */
  readonly mute?: true
  /** True for a server that `npm run bench` measures, too, and not only `npm run bench:full`. */
  readonly quick?: true
  readonly sessions?: true
  /** True for a server that keeps sessions in the DynamoDB table which its environment names. */
  readonly table?: true
}

export const FLOOR: Contender = { label: 'bare Hono', server: 'hono', era: 'modern', quick: true }

export const CONTENDERS: readonly Contender[] = [
  { label: '`node:http`', server: 'node-http', era: 'modern', mute: true },
  { label: '**streamable-mcp**, 2026-07-28', server: 'ours', era: 'modern', quick: true },
  {
    label: '**streamable-mcp**, 2025-11-25, session',
    server: 'ours',
    era: 'legacy',
    quick: true,
    sessions: true,
  },
  {
    label: '**streamable-mcp**, 2025-11-25, session on DynamoDB',
    server: 'ours-dynamodb',
    era: 'legacy',
    quick: true,
    sessions: true,
    table: true,
  },
  { label: '`mcp-lite`', server: 'mcp-lite', era: 'legacy', quick: true },
  {
    label: '`mcp-lite`, session',
    server: 'mcp-lite',
    era: 'legacy',
    env: { SESSIONS: '1' },
    quick: true,
    sessions: true,
  },
  {
    label: '`@modelcontextprotocol/sdk`, session, JSON',
    server: 'sdk1-session',
    era: 'legacy',
    streamEnv: { STREAMS: '1' },
    quick: true,
    sessions: true,
  },
  {
    label: '`@modelcontextprotocol/sdk`, stateless, JSON',
    server: 'sdk1-stateless',
    era: 'legacy',
    streamEnv: { STREAMS: '1' },
  },
  {
    label: '`@modelcontextprotocol/server`, 2026-07-28',
    server: 'sdk2',
    era: 'modern',
    quick: true,
  },
  { label: '`@modelcontextprotocol/server`, 2025-11-25', server: 'sdk2', era: 'legacy' },
  { label: '`@hono/mcp`', server: 'hono-mcp', era: 'legacy' },
  { label: '`mcp-handler`, 2026-07-28', server: 'mcp-handler', era: 'modern', mute: true },
  { label: '`fastmcp`, stateless', server: 'fastmcp', era: 'legacy', mute: true },
]

export interface Load {
  readonly name: string
  /** The number of tools of the server. */
  readonly tools: number
  /** The number of events of each reply that is a stream. */
  readonly events?: number
  /** True for a request that adds a session to servers that keep sessions. */
  readonly grows?: true
  /** True for a load that is measured with sessions on DynamoDB, too. */
  readonly table?: true
  call(era: Contender['era'], client: Client): Promise<Call>
}

async function inEra(
  era: Contender['era'],
  client: Client,
  method: string,
  params: object,
): Promise<Call> {
  if (era === 'modern') return modern(method, params)
  return legacy(method, params, await shakeHands(client))
}

const EVENTS = 1_000

export const LOADS: readonly Load[] = [
  {
    name: '`tools/call`',
    tools: 1,
    table: true,
    call: (era, client) => inEra(era, client, 'tools/call', ADD),
  },
  {
    name: '… of 100 tools',
    tools: 100,
    call: (era, client) => inEra(era, client, 'tools/call', ADD),
  },
  {
    name: '`tools/list` of 100',
    tools: 100,
    call: (era, client) => inEra(era, client, 'tools/list', {}),
  },
  { name: '`initialize`', tools: 1, grows: true, table: true, call: async () => INITIALIZE },
  {
    name: '1,000 events in one turn',
    tools: 1,
    events: EVENTS,
    call: (era, client) => inEra(era, client, 'tools/call', count(EVENTS, false)),
  },
  {
    name: '1,000 events, a turn each',
    tools: 1,
    events: EVENTS,
    call: (era, client) => inEra(era, client, 'tools/call', count(EVENTS, true)),
  },
]
