import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { bearer } from '../../src/auth/bearer.ts'
import { call, createAuthApp } from '../support/auth-app.ts'

const secret = 'correct-horse-battery-staple'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('static tokens', () => {
  it('accept a caller who has one, configured as text or as hash', async () => {
    const app = createAuthApp(
      bearer({ tokens: ['first', `sha256:${sha256(secret).toUpperCase()}`] }),
    )
    expect((await call(app, 'Bearer first')).status).toBe(200)
    expect((await call(app, `Bearer ${secret}`)).status).toBe(200)
    expect((await call(app, `Bearer sha256:${sha256(secret)}`)).status).toBe(401)
    expect((await call(app, `Bearer ${sha256(secret)}`)).status).toBe(401)
  })

  it('have the subject and scopes of the configuration', async () => {
    const app = createAuthApp(
      bearer({ tokens: [{ token: secret, subject: 'build-server', scopes: ['reports:read'] }] }),
    )
    const { body } = await call(app, `Bearer ${secret}`)
    expect(body).toMatchObject({ subject: 'build-server', scopes: ['reports:read'] })
    expect(body.id).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify(body)).not.toContain(secret)
  })

  it('without a subject are different callers, whose names never show the token or its whole hash', async () => {
    const app = createAuthApp(bearer({ tokens: ['first', secret] }))
    const [one, other] = [await call(app, 'Bearer first'), await call(app, `Bearer ${secret}`)]
    expect(one.body.id).not.toBe(other.body.id)
    expect(one.body.subject).not.toBe(other.body.subject)
    expect(JSON.stringify(other.body)).not.toContain(secret)
    expect(JSON.stringify(other.body)).not.toContain(sha256(secret))
  })

  it('can be replaced under one subject without changing who calls', async () => {
    const app = createAuthApp(
      bearer({
        tokens: [
          { token: 'old', subject: 'build-server' },
          { token: 'new', subject: 'build-server' },
        ],
      }),
    )
    const [one, other] = [await call(app, 'Bearer old'), await call(app, 'Bearer new')]
    expect(one.body.id).toBe(other.body.id)
  })

  it('are demanded with 401, which says unknown only if one was sent (RFC 6750 section 3.1)', async () => {
    const app = createAuthApp(bearer({ tokens: [secret] }))
    const none = await call(app)
    expect(none.status).toBe(401)
    expect(none.challenge).toBe('Bearer realm="mcp"')
    const wrong = await call(app, 'Bearer wrong')
    expect(wrong.status).toBe(401)
    expect(wrong.challenge).toMatch(/^Bearer error="invalid_token", /)
  })

  it('are hashed at their first use, and wrong ones each time', async () => {
    const app = createAuthApp(bearer({ tokens: ['first', secret] }))
    await call(app, `Bearer ${secret}`)
    const hash = vi.spyOn(crypto.subtle, 'digest')
    for (let i = 0; i < 3; i++) expect((await call(app, `Bearer ${secret}`)).status).toBe(200)
    expect(hash).not.toHaveBeenCalled()
    for (let i = 0; i < 3; i++) expect((await call(app, 'Bearer wrong')).status).toBe(401)
    expect(hash).toHaveBeenCalledTimes(3)
    hash.mockRestore()
  })

  it.each([[[]], [['reports:read']], [['reports:write', 'other']]])(
    'cannot use a tool whose scopes they lack (D7): they have %j',
    async (scopes) => {
      const tokens = [{ token: secret, subject: 'build-server', scopes }]
      const app = createAuthApp(bearer({ tokens }), {
        tools: { report: ['reports:read', 'reports:write'] },
      })
      const { status, challenge } = await call(app, `Bearer ${secret}`, { tool: 'report' })
      expect(status).toBe(403)
      expect(challenge).toContain('error="insufficient_scope"')
      expect(challenge).toContain('scope="reports:read reports:write"')
    },
  )

  it.each([
    ['no token at all', []],
    ['an empty token', ['']],
    ['characters no header can carry', ['s3cret token']],
    ['a hash that is too short', ['sha256:abcdef']],
  ])('stop the start when there is %s, without showing it', (_, tokens) => {
    let message = ''
    try {
      bearer({ tokens })
    } catch (error) {
      message = String(error)
    }
    expect(message).toMatch(/bearer\(\)/)
    expect(message).not.toMatch(/s3cret|abcdef/)
  })
})
