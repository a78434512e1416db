/** Tokens that are replaced while a process lives. */
import { describe, expect, it } from 'vitest'
import { renewedAuth } from '../../adapters/renewed-auth.ts'
import { AuthError, AuthUnavailable, bearer } from '../../src/index.ts'

const SECOND = 1_000
const OLD = 'the-old-token-of-some-length'
const NEW = 'the-new-token-of-some-length'

async function setUp() {
  const state = { now: 0, tokens: [OLD] as string[], reads: 0, broken: false, logged: 0 }
  const auth = await renewedAuth({
    clock: () => state.now,
    log: () => state.logged++,
    async read() {
      state.reads += 1
      if (state.broken) throw new Error('Secrets Manager is away')
      return bearer({ tokens: state.tokens })
    },
  })
  const verify = (token: string) =>
    auth.verify(
      new Request('https://x.example/mcp', { headers: { authorization: `Bearer ${token}` } }),
      {},
    )
  return { state, auth, verify }
}

describe('tokens of a secret', () => {
  it('are read once, and not again within 30 seconds', async () => {
    const { state, verify } = await setUp()
    for (let i = 0; i <= 30; i++) {
      state.now = i * SECOND
      await verify(OLD)
    }
    expect(state.reads).toBe(1)
    state.now = 31 * SECOND
    await Promise.all([verify(OLD), verify(OLD), verify(OLD)])
    expect(state.reads).toBe(2)
  })

  it('may be two at once, and a withdrawn one is refused within a minute', async () => {
    const { state, verify } = await setUp()
    state.tokens = [NEW, OLD]
    state.now = 31 * SECOND
    await Promise.all([verify(OLD), verify(NEW)])
    state.tokens = [NEW]
    state.now += 31 * SECOND
    await expect(verify(OLD)).rejects.toThrow(AuthError)
    await verify(NEW)
  })

  it('hold from their first use on when they are new', async () => {
    const { state, verify } = await setUp()
    state.tokens = [NEW, OLD]
    state.now = 5 * SECOND
    await verify(NEW)
    expect(state.reads).toBe(2)
  })

  it('are not read for every request of a caller who guesses', async () => {
    const { state, verify } = await setUp()
    for (let i = 0; i < 100; i++) {
      state.now = i * 100
      await expect(verify(`a-guess-that-is-wrong-${i}`)).rejects.toThrow(AuthError)
    }
    expect(state.reads).toBe(2)
  })

  it('hold for a quarter of an hour when they cannot be read, and then no caller is let in', async () => {
    const { state, verify } = await setUp()
    state.broken = true
    state.now = 10 * 60 * SECOND
    await verify(OLD)
    await verify(OLD)
    expect(state).toMatchObject({ reads: 2, logged: 1 })
    state.now = 16 * 60 * SECOND
    await expect(verify(OLD)).rejects.toThrow(AuthUnavailable)
    state.broken = false
    state.now += 6 * SECOND
    await verify(OLD)
  })

  it('that cannot be read at the start stop it', async () => {
    const read = () => Promise.reject(new Error('no right'))
    await expect(renewedAuth({ read })).rejects.toThrow('no right')
  })
})
