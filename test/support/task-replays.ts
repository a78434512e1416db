/** A random handler under random deaths of its process comes to what it comes to when it runs undisturbed. */
import fc from 'fast-check'
import * as v from 'valibot'
import { expect } from 'vitest'
import type { Context, JsonValue, Store } from '../../src/index.ts'
import { createMcp, inProcess, memoryStore } from '../../src/index.ts'
import { mortalStore, sharedStore, TaskClient } from './tasks.ts'

/** What a handler does: one after another, or beside each other. */
type Plan =
  | { readonly kind: 'step'; readonly fails: boolean }
  | { readonly kind: 'sleep'; readonly ms: number }
  | { readonly kind: 'ask' }
  | { readonly kind: 'sequence' | 'all'; readonly plans: readonly Plan[] }

const { plan } = fc.letrec<{ plan: Plan; leaf: Plan }>((tie) => ({
  leaf: fc.oneof(
    fc.record({ kind: fc.constant('step' as const), fails: fc.boolean() }),
    fc.record({ kind: fc.constant('sleep' as const), ms: fc.constantFrom(0, 1, 5) }),
    fc.record({ kind: fc.constant('ask' as const) }),
  ),
  plan: fc.oneof(
    { maxDepth: 3 },
    tie('leaf'),
    fc.record({
      kind: fc.constantFrom('sequence' as const, 'sequence' as const, 'all' as const),
      plans: fc.array(tie('plan'), { minLength: 1, maxLength: 4 }),
    }),
  ),
}))

/** Runs a plan; the places of the tree are the names, so they are the same in each run. */
async function run(plan: Plan, ctx: Context, at: string, effects: string[]): Promise<JsonValue> {
  switch (plan.kind) {
    case 'step':
      return ctx
        .step(at, () => {
          effects.push(at)
          if (plan.fails) throw new Error(`failed at ${at}`)
          return at
        })
        .catch((error: Error) => error.message)
    case 'sleep':
      await ctx.sleep(at, plan.ms)
      return 'slept'
    case 'ask': {
      const answer = await ctx.elicit(`Question ${at}`, v.object({ at: v.string() }), { key: at })
      return answer.action === 'accept' ? answer.content.at : answer.action
    }
    case 'sequence': {
      const results: JsonValue[] = []
      for (const [i, one] of plan.plans.entries()) {
        results.push(await run(one, ctx, `${at}.${i}`, effects))
      }
      return results
    }
    case 'all':
      return Promise.all(plan.plans.map((one, i) => run(one, ctx, `${at}.${i}`, effects)))
  }
}

const LEASE = 40

function start(store: Store, plan: Plan, effects: string[]) {
  const mcp = createMcp({ name: 'tasks', version: '1', store, runner: inProcess({ lease: LEASE }) })
  mcp.tool('work', { description: 'Works', task: {} }, async (_, ctx) => {
    return { result: await run(plan, ctx, '0', effects) }
  })
  return { mcp, client: new TaskClient(mcp) }
}

/** Answers what the task asks until it ends. */
async function finish(client: TaskClient, id: string) {
  const end = Date.now() + 20_000
  for (;;) {
    const task = await client.get(id)
    if (task.status === 'completed') return task.result.structuredContent.result as JsonValue
    if (task.status === 'failed' || Date.now() > end) throw new Error(JSON.stringify(task))
    const asked = Object.keys(task.inputRequests ?? {})
    const answer = (at: string) => [at, { action: 'accept', content: { at: `answer ${at}` } }]
    if (asked.length > 0) await client.answer(id, Object.fromEntries(asked.map(answer)))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Checks that many random handlers, each with deaths at random operations of three processes. */
export async function checkReplays(numRuns: number): Promise<void> {
  let deaths = 0
  const deathsAt = fc.array(fc.integer({ min: 4, max: 25 }), { minLength: 3, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(plan, deathsAt, async (handler, dieAt) => {
      const calm = start(memoryStore(), handler, [])
      const expected = await finish(calm.client, await calm.client.create('work'))
      await calm.mcp.close({ grace: 0 })

      const engine = memoryStore()
      const effects: string[] = []
      const last = start(sharedStore(engine), handler, effects)
      const dying = dieAt.map((at) => mortalStore(engine, at))
      // The first process creates the task; each of the others is there to take over, and to die.
      const first = start(dying[0]?.store ?? engine, handler, effects)
      const created = first.client.create('work')
      const others = dying.slice(1).map(({ store }) => start(store, handler, effects))
      for (const { mcp } of others) void mcp.tasks.resume()
      const died = new Promise<undefined>((resolve) => setTimeout(resolve, 100))
      const id = await Promise.race([created, died])
      if (id !== undefined) {
        await last.mcp.tasks.resume()
        expect(await finish(last.client, id)).toEqual(expected)
      }
      deaths += dying.filter(({ dead }) => dead).length
      for (const { mcp } of [last, first, ...others]) void mcp.close({ grace: 0 })
    }),
    { numRuns, endOnFailure: true },
  )
  expect(deaths).toBeGreaterThan(numRuns / 2)
}
