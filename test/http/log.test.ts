/** The log entry of each request: its members, and values that it never contains. */
import * as v from 'valibot'
import { expect, it } from 'vitest'
import type { LogEntry } from '../../src/index.ts'
import { bearer, createMcp } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const TOKEN = 'a-token-that-no-one-may-read'

it('contains request, caller, session, method and tool, and no token, session id, argument or result', async () => {
  const lines: LogEntry[] = []
  const mcp = createMcp({
    name: 'logged',
    version: '1',
    auth: bearer({ tokens: [{ token: TOKEN, subject: 'someone' }] }),
    log: (entry) => lines.push(entry),
  })
  const input = v.object({ word: v.string() })
  mcp.tool('repeat', { description: 'Says it twice', input }, ({ word }) => `${word} ${word}`)
  const endpoint = fetchEndpoint(mcp)
  const headers = { authorization: `Bearer ${TOKEN}` }
  const legacy = await LegacyClient.open(endpoint, '2025-11-25', { headers })
  const other = await LegacyClient.open(endpoint, '2025-11-25', { headers })
  lines.length = 0
  await legacy.call('repeat', { word: 'secret' })
  await legacy.call('repeat', { word: 'secret' })
  await other.call('repeat', { word: 'secret' })
  await new ModernClient(endpoint, { headers }).call('repeat', { word: 'secret' })

  const call = {
    level: 'info',
    message: 'request',
    requestId: expect.any(String),
    verb: 'POST',
    principal: expect.any(String),
    method: 'tools/call',
    tool: 'repeat',
    status: 200,
    durationMs: expect.any(Number),
  }
  const session = expect.stringMatching(/^[\da-f]{8}$/)
  const inSession = { ...call, era: 'legacy', revision: '2025-11-25', session }
  const [first, second, third, modern] = lines
  expect(lines).toHaveLength(4)
  for (const line of [first, second, third]) expect(line).toEqual(inSession)
  expect(modern).toEqual({ ...call, era: 'modern', revision: '2026-07-28' })
  expect(second?.session).toBe(first?.session)
  expect(third?.session).not.toBe(first?.session)
  const text = JSON.stringify(lines)
  for (const kept of [TOKEN, 'secret', legacy.sessionId]) expect(text).not.toContain(kept)
})

it('has the id that the platform gave to the request', async () => {
  const lines: LogEntry[] = []
  const mcp = createMcp({ name: 'logged', version: '1', log: (entry) => lines.push(entry) })
  const request = () => new Request('http://localhost/mcp', { method: 'DELETE' })
  await mcp.fetch(request(), { platform: { requestId: 'r1' } })
  await mcp.fetch(request())
  expect(lines.map(({ requestId }) => requestId)).toEqual([
    'r1',
    expect.stringMatching(/^[\da-f-]{36}$/),
  ])
})
