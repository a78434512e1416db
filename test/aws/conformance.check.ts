/** The official conformance suite through the REST API, with every set of requirements that also runs on Node. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundle } from './bundle.ts'
import type { RestEndpoint } from './endpoint.ts'
import { restEndpoint } from './endpoint.ts'

let endpoint: RestEndpoint

beforeAll(async () => {
  endpoint = await restEndpoint({
    taskRoot: bundle('fixture/server.ts'),
    env: { SERVER: 'conformance' },
  })
})
afterAll(() => endpoint?.close())

it('passes', { timeout: 900_000 }, async () => {
  // The first closes its connection before its end, and Lambda would freeze the call with the connection.
  // The function has no durable tools: tasks of a process go on only while a call waits for them.
  const impossible = ['server-sse-polling', 'tasks-']
  const suite = spawn('npx', ['tsx', 'test/e2e/conformance.ts', endpoint.url, ...impossible], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(suite, 'exit')
  expect(code).toBe(0)
  expect(endpoint.host.pids.length).toBeGreaterThanOrEqual(3)
})
