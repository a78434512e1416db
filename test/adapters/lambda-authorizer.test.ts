/** The authorizer in front of the REST API: which callers it accepts, for how long, and how it refuses others. */

import { describe, expect, it } from 'vitest'
import { authorizer } from '../../adapters/authorizer.ts'
import type { Auth, Principal } from '../../src/index.ts'
import { AuthError } from '../../src/index.ts'

const event = {
  type: 'REQUEST',
  methodArn: 'arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/POST/mcp',
  resource: '/mcp',
  path: '/mcp',
  httpMethod: 'POST',
  headers: { authorization: 'Bearer t' },
  requestContext: {
    domainName: 'abc123.execute-api.eu-west-1.amazonaws.com',
    path: '/prod/mcp',
    stage: 'prod',
  },
}

const ann: Principal = {
  id: 'digest',
  subject: 'ann',
  clientId: 'app',
  scopes: ['read', 'write'],
  claims: { exp: 2000 },
}

const verifier = (verify: Auth['verify']): Auth => ({
  verify,
  challenge: () => new Response(null, { status: 401 }),
})

describe('the authorizer', () => {
  it('shows the verifier the request and the public URL', async () => {
    const seen: unknown[] = []
    const auth = verifier(async (request, endpoint) => {
      seen.push(request.headers.get('authorization'), request.url, endpoint.baseUrl)
      return ann
    })
    await authorizer(auth, { now: () => 0 })(event)
    expect(seen).toEqual([
      'Bearer t',
      'https://abc123.execute-api.eu-west-1.amazonaws.com/mcp',
      'https://abc123.execute-api.eu-west-1.amazonaws.com/prod',
    ])
  })

  it('allows the endpoint with every method in this stage, so that a cached policy fits the next call', async () => {
    const handler = authorizer(
      verifier(async () => ann),
      { now: () => 0 },
    )
    expect(await handler(event)).toEqual({
      principalId: 'digest',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Action: 'execute-api:Invoke',
            Effect: 'Allow',
            Resource: 'arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/*/mcp',
          },
        ],
      },
      context: { sub: 'ann', client_id: 'app', scope: 'read write' },
    })
  })

  it('refuses a token that expires before a cached result', async () => {
    const handler = authorizer(
      verifier(async () => ann),
      { cacheSeconds: 60, now: () => 1_941_000 },
    )
    await expect(handler(event)).rejects.toThrow(/^Unauthorized$/)
    const earlier = authorizer(
      verifier(async () => ann),
      { cacheSeconds: 60, now: () => 1_940_000 },
    )
    expect((await earlier(event)).policyDocument.Statement[0].Effect).toBe('Allow')
  })

  it.each([[undefined], ['invalid_request'], ['invalid_token']] as const)(
    'says exactly Unauthorized for %s, which the gateway turns into 401',
    async (code) => {
      const auth = verifier(() => Promise.reject(new AuthError('no', code ? { code } : {})))
      await expect(authorizer(auth)(event)).rejects.toThrow(/^Unauthorized$/)
    },
  )

  it('denies a caller whose token lacks a scope, which the gateway turns into 403', async () => {
    const auth = verifier(() =>
      Promise.reject(new AuthError('no', { code: 'insufficient_scope', scopes: ['admin'] })),
    )
    const { policyDocument } = await authorizer(auth)(event)
    expect(policyDocument.Statement[0]).toMatchObject({
      Effect: 'Deny',
      Resource: 'arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/*/mcp',
    })
  })

  it('fails with a clear sentence when tokens cannot be verified, which the gateway turns into 5xx', async () => {
    const logged: unknown[] = []
    const auth = verifier(() => Promise.reject(new Error('getaddrinfo ENOTFOUND internal.host')))
    const handler = authorizer(auth, { log: (...all) => logged.push(all) })
    await expect(handler(event)).rejects.toThrow(/^Authorization is not available$/)
    expect(logged).toHaveLength(1)
  })
})
