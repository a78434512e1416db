import { afterEach, describe, expect, it } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import { createMcp, oauth } from '../../src/index.ts'

const wellKnown = '/.well-known/oauth-protected-resource'

let serving: NodeServer | undefined
afterEach(() => serving?.close())

/** Returns the server's metadata for a request with these headers. */
async function describeItself(trustProxy: boolean | undefined, headers: Record<string, string>) {
  const mcp = createMcp({
    name: 'test',
    version: '1.0.0',
    auth: oauth({ issuer: 'https://login.example.com' }),
    log: () => {},
  })
  serving = await serve(mcp, {
    port: 0,
    signals: false,
    ...(trustProxy !== undefined && { trustProxy }),
  })
  const origin = `http://127.0.0.1:${serving.port}`
  const challenge = await fetch(`${origin}/mcp`, { method: 'POST', headers })
  const metadata = await fetch(`${origin}${wellKnown}/mcp`, { headers })
  return {
    challenge: challenge.headers.get('www-authenticate'),
    status: metadata.status,
    document: await metadata.json(),
  }
}

const forwarded = { 'x-forwarded-host': 'mcp.example.com', 'x-forwarded-proto': 'https' }

describe('the public URL from a proxy', () => {
  it('is used with trustProxy', async () => {
    expect(await describeItself(true, forwarded)).toMatchObject({
      challenge: `Bearer resource_metadata="https://mcp.example.com${wellKnown}/mcp"`,
      document: { resource: 'https://mcp.example.com/mcp' },
    })
  })

  it.each([false, undefined])('counts for nothing otherwise (A48): %s', async (trustProxy) => {
    const { challenge, status, document } = await describeItself(trustProxy, forwarded)
    expect(challenge).toBe('Bearer realm="mcp"')
    expect(status).toBe(500)
    expect(JSON.stringify(document)).not.toContain('mcp.example.com')
  })

  it('is the last value, when a client has sent another one before it', async () => {
    const { document } = await describeItself(true, {
      'x-forwarded-host': 'evil.example, mcp.example.com',
      'x-forwarded-proto': 'http, https',
    })
    expect(document.resource).toBe('https://mcp.example.com/mcp')
  })

  it.each([
    { 'x-forwarded-host': 'mcp.example.com' },
    { 'x-forwarded-proto': 'https' },
    { ...forwarded, 'x-forwarded-proto': 'javascript' },
    { ...forwarded, 'x-forwarded-host': 'a@evil.example' },
    { ...forwarded, 'x-forwarded-host': 'evil.example/path' },
    { ...forwarded, 'x-forwarded-host': 'evil.example", error="' },
  ])('is left out when it is not an address: %j', async (headers) => {
    expect((await describeItself(true, headers)).challenge).toBe('Bearer realm="mcp"')
  })
})
