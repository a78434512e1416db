/** The cancellation of one call. */
import { expect, it } from 'vitest'
import { Cancellation } from '../../src/handlers/cancellation.ts'

it('a call ends once, for the first reason', () => {
  const cancellation = new Cancellation(() => {})
  const { signal } = cancellation
  const [first, second] = [new Error('first'), new Error('second')]
  const told: unknown[] = []
  cancellation.onAbort = (reason) => told.push(reason)
  cancellation.abort(first)
  cancellation.abort(second)
  expect([signal.reason, ...told]).toEqual([first, first])
  cancellation.onAbort = (reason) => told.push(reason)
  expect(told).toEqual([first, first])
})
