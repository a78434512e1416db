/** Measures how long a new process takes behind Lambda's runtime client, for the check here and for `bench/`. */

import type { Dynalite } from '../support/dynalite.ts'
import { bundle } from './bundle.ts'
import type { LambdaHost } from './lambda-host.ts'
import { lambdaHost } from './lambda-host.ts'

const RUNS = 15
const server = new URL('../../dist/lambda/lambda', import.meta.url).pathname

export interface ColdStart {
  readonly label: string
  /** The median of the milliseconds from the start of a process to the last byte of its first answered call. */
  readonly time: number
  /**
   * The ratio of the shortest time to bare Hono's shortest behind the same adapter: other work of the machine
   * only adds to a time, and adds more to the longer one.
   */
  readonly ratio: number
}

function event(message: object, headers: Record<string, string>) {
  return {
    resource: '/mcp',
    path: '/mcp',
    httpMethod: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
    isBase64Encoded: false,
    requestContext: { domainName: 'a.example', path: '/prod/mcp', stage: 'prod' },
  }
}

const call = { name: 'greet', arguments: { name: 'Ada' } }
const modern = event(
  {
    method: 'tools/call',
    params: {
      ...call,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  },
  { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'greet' },
)
const initialize = event(
  {
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'cold', version: '1' },
    },
  },
  {},
)

async function send(host: LambdaHost, what: object): Promise<string> {
  const { body, ended } = await host.invoke(what)
  let text = ''
  for await (const chunk of body) text += chunk
  const error = await ended
  if (error) throw new Error(`${error.errorType}: ${error.errorMessage}`)
  return text
}

async function modernCall(host: LambdaHost): Promise<string> {
  return send(host, modern)
}

/** Makes the handshake that a client of 2025 needs first. */
async function legacyCall(host: LambdaHost): Promise<string> {
  const [, id = ''] = /"mcp-session-id":"([^"]+)"/.exec(await send(host, initialize)) ?? []
  const session = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' }
  return send(host, event({ method: 'tools/call', params: call }, session))
}

async function measure(
  taskRoot: string,
  env: Record<string, string>,
  talk: (host: LambdaHost) => Promise<string>,
): Promise<number> {
  const host = lambdaHost({ taskRoot, env, concurrency: 1, freeze: false })
  const start = performance.now()
  const answer = await talk(host)
  const time = performance.now() - start
  await host.close()
  if (!answer.includes('Hello')) throw new Error(`Not what the tool says: ${answer}`)
  return time
}

/** Measures all functions. It needs the tools of `tools.sh` and the bundles of `npm run build`. */
export async function coldStarts(database: Dynalite): Promise<ColdStart[]> {
  const hono = bundle('fixture/hono.ts')
  // The same settings as in template.yaml, for all functions.
  const same = { NODE_OPTIONS: '--enable-source-maps' }
  const alone = { ...same, AUTH_METHOD: 'none', LOG_LEVEL: 'warn' }
  const stored = { ...database.env, ...alone }
  const variants = {
    '2026, no store': () => measure(server, alone, modernCall),
    '2026, DynamoDB': () => measure(server, stored, modernCall),
    '2025, memory': () => measure(server, alone, legacyCall),
    '2025, DynamoDB': () => measure(server, stored, legacyCall),
  }
  const floors: number[] = []
  const times = Object.entries(variants).map(([label, once]) => ({
    label,
    once,
    all: [] as number[],
  }))
  // The functions take turns, so that other work of the machine slows all of them equally.
  for (let run = 0; run < RUNS; run++) {
    floors[run] = await measure(hono, same, modernCall)
    for (const { once, all } of times) all[run] = await once()
  }
  const floor = Math.min(...floors)
  return times.map(({ label, all }) => ({
    label,
    time: median(all),
    ratio: Math.min(...all) / floor,
  }))
}

const median = (all: number[]) => [...all].sort((a, b) => a - b)[all.length >> 1] ?? Number.NaN
