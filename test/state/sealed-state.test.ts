/** Properties of sealed state. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { createSeal } from '../../src/state/sealed-state.ts'
import type { JsonValue } from '../../src/state/store.ts'

import { unicode } from '../support/random-text.ts'

describe('a seal', () => {
  const seal = createSeal(memoryStore(), Date.now, ['k'.repeat(32)])

  it('opens to the sealed value, and does not open after any change', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.nat(), fc.nat(63), async (value, at, by) => {
        const sealed = await seal.seal(value as JsonValue)
        expect(await seal.open(sealed)).toEqual(JSON.parse(JSON.stringify(value)))
        const place = at % sealed.length
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
        const changed = sealed.slice(0, place) + alphabet[by] + sealed.slice(place + 1)
        // The last character of a part may contain bits without meaning.
        const same = (text: string) =>
          text
            .split('.')
            .map((part) => Buffer.from(part, 'base64url').toString('hex'))
            .join('.')
        if (same(changed) !== same(sealed)) expect(await seal.open(changed)).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })

  it('opens only with one of its keys', async () => {
    const value = { secret: 1 }
    const sealed = await createSeal(memoryStore(), Date.now, ['o'.repeat(32)]).seal(value)
    expect(await seal.open(sealed)).toBeUndefined()
    const both = createSeal(memoryStore(), Date.now, ['k'.repeat(32), 'o'.repeat(32)])
    expect(await both.open(sealed)).toEqual(value)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          unicode,
          fc.string().map((text) => text.split('').join('.')),
        ),
        async (text) => {
          expect(await seal.open(text)).toBeUndefined()
        },
      ),
      { numRuns: 50 },
    )
  })
})
