/** The official conformance suite, every set of requirements that runs against Node, through the REST API. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundle } from './bundle.ts'
import type { RestDoor } from './door.ts'
import { restDoor } from './door.ts'

let door: RestDoor

beforeAll(async () => {
  door = await restDoor({ taskRoot: bundle('fixture/server.ts'), env: { SERVER: 'conformance' } })
})
afterAll(() => door?.close())

it('passes', { timeout: 900_000 }, async () => {
  // A call that lets go of its connection, which Lambda would freeze with it.
  const impossible = ['server-sse-polling']
  const suite = spawn('npx', ['tsx', 'test/conformance.ts', door.url, ...impossible], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(suite, 'exit')
  expect(code).toBe(0)
  expect(door.host.pids.length).toBeGreaterThanOrEqual(3)
})
