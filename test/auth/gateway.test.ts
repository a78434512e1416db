import { describe, expect, it } from 'vitest'
import { gateway, toAuthorizerContext } from '../../src/auth/gateway.ts'
import { oauth } from '../../src/auth/oauth.ts'
import { call, createAuthApp } from '../support/auth-app.ts'
import { createTokenIssuer } from '../support/token-issuer.ts'

const claims = {
  iss: 'https://login.example.com',
  sub: 'alice',
  scope: 'files:read files:write',
  client_id: 'client-1',
}

describe('an identity from the gateway', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a Lambda authorizer of a REST API', { principalId: 'alice', ...claims }],
    ['a Lambda authorizer of an HTTP API', { lambda: claims }],
    ['a JWT authorizer', { jwt: { claims, scopes: null } }],
    ['a user pool authorizer', { claims }],
  ])('is taken from %s', async (_, authorizer) => {
    const { status, body } = await call(createAuthApp(gateway(), { platform: { authorizer } }))
    expect(status).toBe(200)
    expect(body).toMatchObject({
      subject: 'alice',
      clientId: 'client-1',
      scopes: ['files:read', 'files:write'],
      claims,
    })
  })

  it('may be only a principalId', async () => {
    const { body } = await call(
      createAuthApp(gateway(), { platform: { authorizer: { principalId: 'bob' } } }),
    )
    expect(body).toMatchObject({ subject: 'bob', scopes: [] })
    expect(body.id).toMatch(/^[\w-]{43}$/)
  })

  it.each([
    undefined,
    {},
    { principalId: '' },
    { lambda: {} },
    { jwt: {} },
    { claims: { sub: 7 } },
  ])('is missing in %j, so the answer is 401 for any headers (A51, A52)', async (authorizer) => {
    const platform = authorizer === undefined ? {} : { authorizer }
    const { status, challenge } = await call(
      createAuthApp(gateway(), { platform }),
      'Bearer anything',
      {
        headers: {
          'x-amzn-oidc-identity': 'alice',
          'x-principal-id': 'alice',
          'x-amzn-request-context': JSON.stringify({ authorizer: claims }),
        },
      },
    )
    expect(status).toBe(401)
    expect(challenge).toBe('Bearer realm="mcp"')
  })

  it('needs the scopes of the server', async () => {
    const app = createAuthApp(gateway({ requiredScopes: ['files:read', 'admin'] }), {
      platform: { authorizer: claims },
    })
    const { status, challenge } = await call(app)
    expect(status).toBe(403)
    expect(challenge).toContain('scope="files:read admin"')
  })

  it('is the caller whom our authorizer verified', async () => {
    const issuer = await createTokenIssuer()
    const resource = 'https://mcp.example.com/mcp'
    const auth = oauth({ issuer: issuer.url, resource, fetch: issuer.fetch })
    const request = new Request(resource, {
      headers: { authorization: `Bearer ${await issuer.token()}` },
    })
    const verified = await auth.verify(request, {})
    const authorizer = toAuthorizerContext(verified)
    // API Gateway carries strings, numbers and booleans only.
    expect(Object.values(authorizer).every((value) => typeof value === 'string')).toBe(true)
    const { claims: _, ...identity } = verified
    expect((await call(createAuthApp(gateway(), { platform: { authorizer } }))).body).toMatchObject(
      identity,
    )
  })
})
