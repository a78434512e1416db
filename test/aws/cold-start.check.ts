/** How long a new process takes to its first answered call, as ratios to bare Hono in the same harness. */

import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Dynalite, startDynalite } from '../dynalite.ts'
import { bundle } from './bundle.ts'
import { type LambdaHost, lambdaHost } from './lambda-host.ts'

const runs = 15
const server = new URL('../../dist/lambda/lambda', import.meta.url).pathname
let database: Dynalite
let hono = ''

beforeAll(async () => {
  database = await startDynalite()
  hono = bundle('fixture/hono.ts')
})
afterAll(() => database?.close())

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
  expect(await ended).toBeUndefined()
  return text
}

async function modernCall(host: LambdaHost): Promise<string> {
  return send(host, modern)
}

/** A client of 2025 has to shake hands first. */
async function legacyCall(host: LambdaHost): Promise<string> {
  const [, id = ''] = /"mcp-session-id":"([^"]+)"/.exec(await send(host, initialize)) ?? []
  const session = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' }
  return send(host, event({ method: 'tools/call', params: call }, session))
}

/** Milliseconds from the start of a process to the last byte of its first answered call. */
async function measure(
  taskRoot: string,
  env: Record<string, string>,
  talk: (host: LambdaHost) => Promise<string>,
): Promise<number> {
  const host = lambdaHost({ taskRoot, env, concurrency: 1, freeze: false })
  const start = performance.now()
  const answer = await talk(host)
  const time = performance.now() - start
  expect(answer).toMatch(/Hello/)
  await host.close()
  return time
}

it('is a small multiple of bare Hono', { timeout: 300_000 }, async () => {
  // As in template.yaml, for all alike.
  const same = { NODE_OPTIONS: '--enable-source-maps' }
  const alone = { ...same, AUTH_METHOD: 'none', LOG_LEVEL: 'warn' }
  const stored = { ...database.env, ...alone }
  const variants = {
    'Hono alone': () => measure(hono, same, modernCall),
    '2026, no store': () => measure(server, alone, modernCall),
    '2026, DynamoDB': () => measure(server, stored, modernCall),
    '2025, memory': () => measure(server, alone, legacyCall),
    '2025, DynamoDB': () => measure(server, stored, legacyCall),
  }
  const times: Record<string, number[]> = {}
  // In turns, so that what else the machine does meets all alike.
  for (let run = 0; run < runs; run++) {
    for (const [name, once] of Object.entries(variants)) {
      times[name] = [...(times[name] ?? []), await once()]
    }
  }
  const median = (all: number[] = []) => [...all].sort((a, b) => a - b)[runs >> 1] ?? Number.NaN
  const floor = median(times['Hono alone'])
  const ratios = Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, median(all) / floor]),
  )
  for (const [name, ratio] of Object.entries(ratios)) {
    console.error(
      `${name.padEnd(16)} ${median(times[name]).toFixed(0).padStart(5)} ms  × ${ratio.toFixed(2)}`,
    )
  }
  // A 2026 call touches no store, so having one configured costs it nothing but its import.
  expect(ratios['2026, no store']).toBeLessThan(1.5)
  expect(ratios['2026, DynamoDB']).toBeLessThan(1.5)
  expect(ratios['2025, memory']).toBeLessThan(1.6)
  // The AWS client alone takes longer to load than everything else together.
  expect(ratios['2025, DynamoDB']).toBeLessThan(4)
})
