/** Properties of the JSON depth, which is measured without parsing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nestsDeeper } from '../../src/protocol/jsonrpc.ts'

import { unicode } from '../support/random-text.ts'

describe('the depth of JSON', () => {
  const depth = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map(depth))
      : 0
  /** Strings that look like JSON. */
  const tricky = fc.string({ unit: fc.constantFrom('[', '{', ']', '}', '"', '\\', 'a', '\n') })
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'large', withCrossShrink: true },
      tricky,
      fc.constantFrom(null, true, 1.5e3),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(tricky, tie('tree'), { maxKeys: 3 }),
    ),
  }))

  it('is the same as the depth of the parsed value', () => {
    fc.assert(
      fc.property(tree, fc.nat(8), fc.constantFrom(undefined, 1, '\t'), (value, limit, indent) => {
        expect(nestsDeeper(JSON.stringify(value, null, indent), limit)).toBe(depth(value) > limit)
      }),
      { numRuns: 500 },
    )
  })

  it('is defined for every text', () => {
    fc.assert(
      fc.property(fc.oneof(tricky, unicode), fc.nat(5), (text, limit) => {
        expect(nestsDeeper(text, limit)).toBeTypeOf('boolean')
      }),
    )
  })
})
