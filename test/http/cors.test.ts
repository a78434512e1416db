/** Refusals as web pages and callers see them. */
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/index.ts'
import { AuthError } from '../../src/index.ts'
import { openServer } from '../support/open-server.ts'
import { BOTH, post } from '../support/wire.ts'

describe('a verifier that the author wrote', () => {
  it('may return any object with then()', async () => {
    const refused = {
      // biome-ignore lint/suspicious/noThenProperty: promises of other libraries have this property
      then: (_: unknown, no: (error: Error) => void) => no(new AuthError('No.')),
    }
    const { endpoint } = openServer({
      auth: {
        verify: () => refused as unknown as Promise<Principal>,
        challenge: () => new Response(null, { status: 401 }),
      },
    })
    const response = await post(endpoint, { jsonrpc: '2.0', id: 1, method: 'tools/list' })
    expect(response.status).toBe(401)
  })
})

describe('pages of other origins', () => {
  it('cannot read their refusal (B3)', async () => {
    const { endpoint } = openServer()
    const headers = { origin: 'https://evil.example', accept: BOTH }
    const reply = await post(endpoint, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers)
    expect(reply.status).toBe(403)
    expect(reply.header('access-control-allow-origin')).toBe(null)
    expect(reply.header('vary')).toMatch(/origin/i)
  })
})
