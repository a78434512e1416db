/** Tasks on AWS's own engine of durable executions, which runs in this process. */
import type {
  DurableExecutionInvocationOutput,
  DurableLambdaHandler,
} from '@aws/durable-execution-sdk-js'
import type { DurableOperation } from '@aws/durable-execution-sdk-js-testing'
import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { durable, EnvironmentError } from '../../adapters/durable.ts'
import { lambdaRunner } from '../../adapters/lambda-runner.ts'
import type { Mcp, RunnerTask, Store, ToolHandler } from '../../src/index.ts'
import { createMcp, memoryStore, StoreUnavailable } from '../../src/index.ts'
import { fakeLambda } from '../support/fake-lambda.ts'
import { journalOf, sharedStore, TaskClient } from '../support/tasks.ts'

const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:tasks:live'
const FORM = v.object({ sure: v.boolean() })
const YES = { action: 'accept', content: { sure: true } }

// The engine's own clock cannot be set here, because it replaces every timer of the process.
beforeAll(() => LocalDurableTestRunner.setupTestEnvironment())
afterAll(() => LocalDurableTestRunner.teardownTestEnvironment())

/** What Lambda tells a handler about its invocation. */
type LambdaContext = Parameters<DurableLambdaHandler>[1]

interface Stack {
  /** Seconds until the end of an invocation. @default 900 */
  timeout?: number
  /** The store as an invocation sees it. */
  storeOf?: (store: Store) => Store
}

/** The server on one instance and the executions of its tasks on others, each invocation a server of its own. */
function deploy(handler: ToolHandler<undefined>, { timeout = 900, storeOf }: Stack = {}) {
  const store = sharedStore(memoryStore())
  const register = (mcp: Mcp) => {
    mcp.tool('work', { description: 'Works', task: { waitFor: 20 } }, handler)
    return mcp
  }
  const executions: Promise<Awaited<ReturnType<LocalDurableTestRunner['run']>>>[] = []
  let engine: LocalDurableTestRunner | undefined
  let invocations = 0
  const lambda = fakeLambda(({ operation, target, payload }) => {
    if (operation === 'start' && payload) executions.push(execute(payload))
    else if (operation === 'succeed') void answered(target)
    return undefined
  })
  const runner = lambdaRunner({ function: FUNCTION, fetch: lambda.fetch })

  const invoke: DurableLambdaHandler = async (event, context) => {
    invocations += 1
    const seen = storeOf?.(store) ?? store
    const mcp = register(createMcp({ name: 'jobs', version: '1', store: seen, log: () => {} }))
    const limited: LambdaContext = { ...context, getRemainingTimeInMillis: () => timeout * 1_000 }
    return (await durable(mcp)(event, limited)) as DurableExecutionInvocationOutput
  }

  function execute(payload: RunnerTask) {
    engine = new LocalDurableTestRunner({ handlerFunction: invoke })
    return engine.run({ payload })
  }

  async function answered(callbackId: string): Promise<void> {
    for (let n = 1; ; n++) {
      const operation: DurableOperation | undefined = engine?.getOperation(`answer ${n}`)
      if (operation?.getCallbackDetails()?.callbackId !== callbackId) continue
      await operation.sendCallbackSuccess()
      return
    }
  }

  const mcp = register(createMcp({ name: 'jobs', version: '1', store, runner, log: () => {} }))
  return {
    store,
    client: new TaskClient(mcp),
    lambda,
    /** The end of the only execution. */
    execution: async () => {
      const [only] = executions
      if (!only) throw new Error('Nothing was started')
      const execution = await only
      const operations = execution.getOperations().map((operation) => operation.getName())
      return { result: execution.getResult(), status: execution.getStatus(), operations }
    },
    invocations: () => invocations,
  }
}

describe.concurrent('durable()', () => {
  it('runs the turns of a task: a step each, a wait for a sleep, a callback for a question', async () => {
    const effects: string[] = []
    const { client, execution, invocations, store } = deploy(async (_, ctx) => {
      await ctx.step('charge', () => effects.push('charge'))
      const answer = await ctx.elicit('Sure?', FORM, { key: 'sure' })
      await ctx.sleep('cool down', 1_500)
      return ctx.step('apply', () => `${answer.action} ${effects.push('apply')}`)
    })
    const id = await client.create('work')
    await expect.poll(async () => (await client.get(id)).status).toBe('input_required')
    await client.answer(id, { sure: YES })
    expect(await execution()).toEqual({
      status: 'SUCCEEDED',
      result: 'done',
      operations: ['turn 1', 'answer 1', 'token 1', 'turn 2', 'pause 2', 'turn 3'],
    })
    expect((await client.get(id)).result.content).toEqual([{ type: 'text', text: 'accept 2' }])
    expect(effects).toEqual(['charge', 'apply'])
    // An answer that comes before the invocation has ended is taken by that one.
    expect([2, 3]).toContain(invocations())
    expect((await journalOf(store, id)).filter(({ e }) => e === 'claim')).toEqual([])
  })

  it('does not wait for an answer that came before the token was stored', async () => {
    const holder: { client?: TaskClient; id?: string } = {}
    let parked = 0
    const { client, execution } = deploy(
      async (_, ctx) => {
        const answer = await ctx.elicit('Sure?', FORM, { key: 'sure' })
        return answer.action
      },
      {
        // The answer arrives between the end of the turn and the token.
        storeOf: (store) => ({
          ...store,
          put: async (key, value, options) => {
            const version = await store.put(key, value, options)
            const { status } = value as { status?: string }
            if (status === 'input_required' && parked++ === 0) {
              await holder.client?.answer(holder.id ?? '', { sure: YES })
            }
            return version
          },
        }),
      },
    )
    holder.client = client
    // The id is known before the execution runs, because its start is another request.
    const { taskId } = await (await client.call('work')).result()
    holder.id = taskId
    expect(await execution()).toMatchObject({
      status: 'SUCCEEDED',
      operations: ['turn 1', 'answer 1', 'token 1', 'turn 2'],
    })
    expect((await client.get(taskId)).status).toBe('completed')
  })

  it('goes on in another invocation when the time of this one is nearly over', async () => {
    const { client, execution, invocations } = deploy(
      async (_, ctx) => {
        await ctx.step('long', () => new Promise((resolve) => setTimeout(resolve, 200)))
        return ctx.step('after', () => 'done')
      },
      { timeout: 0.2 },
    )
    const id = await client.create('work')
    expect((await execution()).operations.slice(0, 2)).toEqual(['turn 1', 'pause 1'])
    expect((await client.get(id)).status).toBe('completed')
    expect(invocations()).toBeGreaterThan(1)
  })

  it('tries a turn again while the store is away', async () => {
    let failures = 1
    const { client, execution, invocations } = deploy(
      async (_, ctx) => ctx.step('a', () => 'done'),
      {
        storeOf: (store) => ({
          ...store,
          get: async (key) => {
            if (failures-- > 0) throw new StoreUnavailable('away')
            return store.get(key)
          },
        }),
      },
    )
    const id = await client.create('work')
    expect(await execution()).toMatchObject({ status: 'SUCCEEDED', operations: ['turn 1'] })
    expect((await client.get(id)).status).toBe('completed')
    expect(invocations()).toBe(2)
  })

  it('ends a question beside a sleep when the sleep is over', async () => {
    const { client, execution } = deploy(async (_, ctx) => {
      const asked = ctx.elicit('Sure?', FORM, { key: 'sure' }).then(({ action }) => action)
      return Promise.race([asked, ctx.sleep('limit', 1_500).then(() => 'no answer')])
    })
    const id = await client.create('work')
    expect(await execution()).toMatchObject({
      status: 'SUCCEEDED',
      operations: ['turn 1', 'answer 1', 'token 1', 'turn 2'],
    })
    expect((await client.get(id)).result.content[0].text).toBe('no answer')
  })

  it('refuses a server that keeps its tasks in memory', () => {
    const mcp = createMcp({ name: 'jobs', version: '1' })
    expect(() => durable(mcp)).toThrow(EnvironmentError)
  })
})
