/** `ctx.step` and `ctx.sleep` of a plain tool: once a call, though a call of 2026 runs its handler in each round. */
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import type { Mcp, ToolHandler } from '../../src/index.ts'
import { createMcp, StepInterrupted } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const FORM = v.object({ sure: v.boolean() })
const yes = () => ({ action: 'accept', content: { sure: true } })
const capabilities = { elicitation: {} }
const params = { name: 'work', arguments: {} }

let mcp: Mcp
afterEach(() => mcp.close({ grace: 0 }))

function start(handler: ToolHandler<undefined>) {
  mcp = createMcp({ name: 'steps', version: '1' })
  mcp.tool('work', { description: 'Works' }, handler)
  return fetchEndpoint(mcp)
}

const clients = {
  '2025-11-25': (handler: ToolHandler<undefined>) =>
    LegacyClient.open(start(handler), '2025-11-25', { capabilities }),
  '2026-07-28': async (handler: ToolHandler<undefined>) =>
    new ModernClient(start(handler), { capabilities }),
}

describe.each(Object.entries(clients))('for a client of %s', (_, open) => {
  it('a step has one key in all runs of a call, and another one in the next call', async () => {
    const keys: string[] = []
    let fails = true
    const client = await open(async (_args, ctx) => {
      const pay = ({ key, signal }: { key: string; signal: AbortSignal }) => {
        keys.push(key)
        expect(signal.aborted).toBe(false)
        if (fails) throw new Error('busy')
      }
      await ctx.step('pay', pay).catch(() => {})
      await ctx.elicit('Again?', FORM, { key: 'again' })
      fails = false
      await ctx.step('pay', pay).catch(() => {})
      return 'done'
    })
    await client.converse('tools/call', params, yes)
    const first = [...new Set(keys.splice(0))]
    expect(first).toEqual([expect.stringMatching(/^[\w-]{24}\/pay$/)])
    fails = false
    await client.converse('tools/call', params, yes)
    expect(keys[0]).not.toBe(first[0])
  })

  it('a step with once that failed does not run again', async () => {
    let runs = 0
    const errors: unknown[] = []
    const client = await open(async (_args, ctx) => {
      const pay = () => {
        runs += 1
        throw new Error('broken pipe')
      }
      await ctx.step('pay', pay, { once: true }).catch((error: unknown) => errors.push(error))
      await ctx.elicit('Sure?', FORM, { key: 'sure' })
      await ctx.step('pay', pay, { once: true }).catch((error: unknown) => errors.push(error))
      return 'done'
    })
    await client.converse('tools/call', params, yes)
    expect(runs).toBe(1)
    // A later run, which only 2026 has, cannot know what came of it.
    const later = errors.filter((error) => error instanceof StepInterrupted)
    expect(later).toHaveLength(client.revision === '2026-07-28' ? 2 : 0)
  })

  it('a sleep is slept once', async () => {
    const client = await open(async (_args, ctx) => {
      await ctx.sleep('nap', 120)
      await ctx.elicit('Sure?', FORM, { key: 'sure' })
      await ctx.sleep('nap', 120)
      return 'awake'
    })
    const begin = performance.now()
    const { answer } = await client.converse('tools/call', params, yes)
    expect(answer.result.content[0].text).toBe('awake')
    const slept = performance.now() - begin
    expect(slept).toBeGreaterThan(110)
  })
})

it('an interruption that the handler does not catch is a sentence for the model', async () => {
  const client = await clients['2026-07-28'](async (_, ctx) => {
    await ctx
      .step('pay', () => Promise.reject(new Error('broken pipe')), { once: true })
      .catch((error: unknown) => {
        if (error instanceof StepInterrupted) throw error
      })
    await ctx.elicit('Sure?', FORM)
  })
  const { answer } = await client.converse('tools/call', params, yes)
  expect(answer.result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('Step "pay" was interrupted') }],
  })
})

it('a sleep ends when the call is cancelled', async () => {
  const ended: string[] = []
  const client = await LegacyClient.open(
    start(async (_, ctx) => {
      ctx.progress(1)
      await ctx.sleep('long', 60_000).catch((error: Error) => ended.push(error.name))
    }),
    '2025-11-25',
  )
  const reply = await client.call('work', {}, { id: 'mine', meta: { progressToken: 1 } })
  await reply.next()
  await client.notify('notifications/cancelled', { requestId: 'mine' })
  await expect.poll(() => ended).toEqual(['Cancelled'])
})
