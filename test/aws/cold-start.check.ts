/** The time of a new process until its first answered call, as a ratio to bare Hono in the same harness. */

import { expect, it } from 'vitest'
import { startDynalite } from '../support/dynalite.ts'
import { coldStarts } from './cold-start.ts'

it('is a small multiple of bare Hono', { timeout: 300_000 }, async () => {
  await using database = await startDynalite()
  const found = await coldStarts(database)
  for (const { label, time, ratio } of found) {
    console.error(`${label.padEnd(16)} ${time.toFixed(0).padStart(5)} ms  × ${ratio.toFixed(2)}`)
  }
  const ratios = Object.fromEntries(found.map(({ label, ratio }) => [label, ratio]))
  // A 2026 call does not use the store, so a configured store costs only its import.
  expect(ratios['2026, no store']).toBeLessThan(1.5)
  expect(ratios['2026, DynamoDB']).toBeLessThan(1.5)
  expect(ratios['2025, memory']).toBeLessThan(1.6)
  // Loading the AWS client takes longer than everything else together.
  expect(ratios['2025, DynamoDB']).toBeLessThan(4)
})
