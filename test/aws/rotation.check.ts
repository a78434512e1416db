/** A token is replaced while two instances of each function are warm: no caller is locked out, and the old token stops. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startDynalite } from '../support/dynalite.ts'
import { stackOf } from './cloudformation.ts'
import type { LambdaHost } from './lambda-host.ts'
import { lambdaHost } from './lambda-host.ts'
import type { RestFront } from './rest-front.ts'
import { restFront } from './rest-front.ts'

const OLD = 'the-token-of-yesterday-0123456789abcdef'
const NEW = 'the-token-of-tomorrow-0123456789abcdef'

const folder = mkdtempSync(join(tmpdir(), 'rotation-'))
const clockFile = join(folder, 'clock')
const secret = { text: OLD, reads: 0 }
const closers: (() => Promise<unknown>)[] = []
let offset = 0
let front: RestFront
let mcp: LambdaHost
let gate: LambdaHost

/** Moves the clocks of the functions and of the gateway. */
function pass(seconds: number): void {
  offset += seconds * 1000
  writeFileSync(clockFile, String(offset))
}

/** Runs before a function: its clock is ahead by what the file says. */
const clock = `import { readFileSync } from 'node:fs'; const real = Date.now; Date.now = () => real() + Number(readFileSync('${clockFile}', 'utf8'))`

beforeAll(async () => {
  pass(0)
  const stack = stackOf({})
  const database = await startDynalite({ table: String(stack.outputs.Table) })
  closers.push(database.close)
  const manager = createServer((request, response) => {
    request.resume().on('end', () => {
      secret.reads += 1
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify({ SecretString: secret.text }))
    })
  })
  await new Promise<void>((resolve) => manager.listen(0, '127.0.0.1', resolve))
  closers.push(async () => manager.close())
  const start = (id: string, bundled: string) => {
    const resource = stack.resources[id]
    if (resource === undefined) throw new Error(`there is no ${id}`)
    const { Environment } = resource.Properties as {
      Environment: { Variables: Record<string, unknown> }
    }
    const given = Object.entries(Environment.Variables).map(([name, value]) => [name, `${value}`])
    const host = lambdaHost({
      taskRoot: new URL(`../../dist/lambda/${bundled}`, import.meta.url).pathname,
      name: id,
      warm: 2,
      timeoutSeconds: 900,
      env: {
        ...Object.fromEntries(given),
        AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${(manager.address() as AddressInfo).port}`,
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(clock)}`,
      },
    })
    closers.push(host.close)
    return host
  }
  mcp = start('McpFunction', 'lambda')
  gate = start('AuthorizerFunction', 'authorizer')
  front = await restFront({
    stack,
    functions: { McpFunction: mcp, AuthorizerFunction: gate },
    now: () => Date.now() + offset,
  })
  closers.push(front.close)
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  rmSync(folder, { recursive: true })
})

/** The status of a call; the gateway's cached authorization is passed by, so that both functions are asked. */
async function statusWith(token: string): Promise<number> {
  const method = 'tools/list'
  const response = await front.fetch(`${front.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  })
  await response.text()
  return response.status
}

/** Each of the four instances is asked: requests go to the two of a function by turns. */
async function statuses(token: string): Promise<Set<number>> {
  const seen = new Set<number>()
  for (let i = 0; i < 4; i++) seen.add(await statusWith(token))
  return seen
}

it('replaces a token on warm instances without a call lost, and stops the old one within a minute', async () => {
  expect(await statuses(OLD)).toEqual(new Set([200]))
  expect(await statuses(NEW)).toEqual(new Set([401]))
  expect([new Set(mcp.served).size, new Set(gate.served).size]).toEqual([2, 2])
  const starts = [mcp.starts, gate.starts]

  // Both are valid at once, and the new one from its first use on.
  secret.text = `${NEW},${OLD}`
  pass(6)
  expect(await statuses(NEW)).toEqual(new Set([200]))
  pass(61)
  expect(await statuses(OLD)).toEqual(new Set([200]))

  // The old one is withdrawn: the gateway still has its authorization, but the function refuses it.
  secret.text = NEW
  pass(31)
  expect(await statuses(OLD)).toEqual(new Set([401]))
  pass(29)
  expect(await statuses(OLD)).toEqual(new Set([401]))
  expect(await statuses(NEW)).toEqual(new Set([200]))

  // All of it happened on the instances that were warm before, and with few readings of the secret.
  expect([mcp.starts, gate.starts]).toEqual(starts)
  expect(secret.reads).toBeLessThan(30)
  for (const { log } of [mcp, gate]) {
    expect(log).not.toContain(OLD)
    expect(log).not.toContain(NEW)
  }
})

it('wrote a line of metrics for each request', () => {
  const lines = mcp.log.split('\n').filter((line) => line.includes('CloudWatchMetrics'))
  expect(lines.length).toBe(mcp.served.length)
  const line = JSON.parse(lines[0]?.slice(lines[0].indexOf('{')) ?? '{}')
  expect(line).toMatchObject({ FunctionName: 'McpFunction', Requests: 1, ColdStarts: 1 })
  expect(readFileSync('template.yaml', 'utf8')).toContain('MCP_METRICS: !Ref Metrics')
})
