/** Tasks as executions of Lambda: how the server starts, wakes, ends and replaces them. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runnerId } from '../../adapters/durable/execution-name.ts'
import { lambdaRunner } from '../../adapters/lambda-runner.ts'
import { createSigner } from '../../adapters/shared/signature.ts'
import type { LegacyRevision, Mcp, Turn } from '../../src/index.ts'
import { createMcp, memoryStore } from '../../src/index.ts'
import type { LambdaAnswer, LambdaCall } from '../support/fake-lambda.ts'
import { fakeLambda } from '../support/fake-lambda.ts'
import { byHand, sharedStore, TaskClient } from '../support/tasks.ts'
import type { TestEndpoint } from '../support/wire.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:tasks:live'
const execution = (name: string) =>
  `arn:aws:lambda:eu-west-1:123456789012:function:tasks:7/durable-execution/${name}/0a1b`

const YES = { sure: { action: 'accept', content: { sure: true } } }

let now = 1_750_000_000_000
const clock = () => now
let store = sharedStore(memoryStore({ clock }))
let answer: (call: LambdaCall) => LambdaAnswer | undefined = () => undefined
let lambda = fakeLambda((call) => answer(call))
const warnings: string[] = []
const running: Mcp[] = []

beforeEach(() => {
  store = sharedStore(memoryStore({ clock }))
  answer = () => undefined
  lambda = fakeLambda((call) => answer(call))
  warnings.splice(0)
})
afterEach(() => Promise.all(running.splice(0).map((mcp) => mcp.close({ grace: 0 }))))

function server(runner = lambdaRunner({ function: FUNCTION, fetch: lambda.fetch })): Mcp {
  const log = ({ level, message }: { level: string; message: string }) =>
    void (level === 'warn' && warnings.push(message))
  const mcp = createMcp({ name: 'jobs', version: '1', store, runner, clock, log })
  mcp.tool('work', { description: 'Asks', task: {} }, async (_, ctx) => {
    await ctx.elicit('Sure?', v.object({ sure: v.boolean() }), { key: 'sure' })
    return 'done'
  })
  running.push(mcp)
  return mcp
}

/** A task whose first turn was run by an execution of this generation, up to its question. */
async function asked(generation = '') {
  const client = new TaskClient(server())
  const id = await client.create('work')
  const task = { owner: 'anyone', id }
  const runner = runnerId(execution(`${id}${generation}`), 'first')
  const worker = server(byHand)
  expect(await worker.tasks.turn(task, { runner })).toBe('asks')
  expect(await worker.tasks.setWakeToken(task, 'token/+=')).toBe('asks')
  lambda.take()
  return { client, id, task, worker, execution: execution(`${id}${generation}`) }
}

describe('a new task', () => {
  it('is one event for the qualified function, with the name of the task', async () => {
    const id = await new TaskClient(server()).create('work')
    const [call, ...others] = lambda.calls
    expect(others).toEqual([])
    expect(call).toMatchObject({ operation: 'start', target: FUNCTION, name: id })
    expect(call?.headers.get('x-amz-invocation-type')).toBe('Event')
    expect(call?.payload).toEqual({ owner: 'anyone', id, endsBy: now + 86_400_000 })
  })

  it('is started again when Lambda fails, and once only', async () => {
    const failures: LambdaAnswer[] = [
      [500, 'ServiceException'],
      [429, 'TooManyRequestsException'],
    ]
    answer = () => failures.shift()
    const client = new TaskClient(server())
    const id = await client.create('work')
    expect(lambda.calls.map(({ name }) => name)).toEqual([id, id, id])
    expect((await client.get(id)).status).toBe('working')
  })

  it('that was started before does not fail', async () => {
    answer = () => [409, 'DurableExecutionAlreadyStartedException:http://internal']
    const client = new TaskClient(server())
    expect((await client.get(await client.create('work'))).status).toBe('working')
  })

  it('that cannot be started fails, and the client is told so', async () => {
    answer = () => [403, 'AccessDeniedException']
    const reply = await new TaskClient(server()).call('work')
    expect((await reply.rest()).at(-1)?.error).toMatchObject({ code: -32603 })
    expect(lambda.calls).toHaveLength(1)
  })
})

describe('an answer', () => {
  it('ends the wait of the execution by its callback', async () => {
    const { client, id } = await asked()
    await client.answer(id, YES)
    expect(lambda.take()).toEqual(['succeed token/+='])
  })

  it('is kept when Lambda is away, and the next request for the task wakes it', async () => {
    const { client, id } = await asked()
    answer = () => [503, 'ServiceException']
    await client.answer(id, YES)
    expect(warnings).toEqual(['A task could not be woken: the next request for it tries again'])
    answer = () => undefined
    lambda.take()
    now += 31_000
    await client.get(id)
    expect(lambda.take()).toEqual(['succeed token/+='])
  })

  it('to an execution that runs a turn starts nothing', async () => {
    const { client, id, execution } = await asked()
    answer = ({ operation }) =>
      operation === 'succeed' ? [400, 'CallbackTimeoutException'] : { Status: 'RUNNING' }
    await client.answer(id, YES)
    expect(lambda.take()).toEqual(['succeed token/+=', `status ${execution}`])
  })

  it('to an execution that Lambda has ended starts the next one', async () => {
    const { client, id, execution } = await asked()
    answer = ({ operation }) => (operation === 'start' ? undefined : [404, 'ResourceNotFound'])
    await client.answer(id, YES)
    expect(lambda.take()).toEqual(['succeed token/+=', `status ${execution}`, `start ${id}-1`])
  })
})

describe('a cancellation', () => {
  it('stops the execution that has the task', async () => {
    const { client, id, execution } = await asked('-2')
    await client.cancel(id)
    expect(lambda.take()).toEqual([`stop ${execution}`])
  })

  it('before the first turn needs no request: the turn finds the end', async () => {
    const client = new TaskClient(server())
    const id = await client.create('work')
    lambda.take()
    await client.cancel(id)
    expect(lambda.take()).toEqual([])
    expect(await server(byHand).tasks.turn({ owner: 'anyone', id }, { runner: 'a' })).toBe('done')
  })
})

describe('a task whose turn is due', () => {
  /** A task that was answered, and whose next turn no execution has begun. */
  async function stalled(status: string, generation = '') {
    const found = await asked(generation)
    answer = ({ operation }) =>
      operation === 'succeed' ? [400, 'CallbackTimeoutException'] : { Status: 'RUNNING' }
    await found.client.answer(found.id, YES)
    lambda.take()
    answer = ({ operation }) =>
      operation === 'succeed' ? [400, 'CallbackTimeoutException'] : { Status: status }
    return found
  }

  it.each(['FAILED', 'TIMED_OUT', 'STOPPED', 'SUCCEEDED'])(
    'is started again under a new name when its execution is %s',
    async (status) => {
      const { client, id, execution } = await stalled(status)
      now += 31_000
      expect((await client.get(id)).status).toBe('working')
      expect(lambda.take()).toEqual([`succeed token/+=`, `status ${execution}`, `start ${id}-1`])
      expect(warnings).toEqual(['A task was started again, because its execution had ended'])
    },
  )

  it('is left alone while its execution runs, and Lambda is not even asked in the first 30 seconds', async () => {
    const { client, id, execution } = await stalled('RUNNING')
    now += 29_000
    await client.get(id)
    expect(lambda.take()).toEqual([])
    now += 2_000
    await client.get(id)
    expect(lambda.take()).toEqual([`succeed token/+=`, `status ${execution}`])
  })

  it('gets the same name from every instance, a higher one than the last, and another one later', async () => {
    const { client, id } = await stalled('FAILED', '-4')
    const other = new TaskClient(server())
    now += 40_000
    await client.get(id)
    await other.get(id)
    now += 5 * 60_000
    await other.get(id)
    const starts = lambda.take().filter((call) => call.startsWith('start'))
    expect(starts).toEqual([`start ${id}-5`, `start ${id}-5`, `start ${id}-6`])
    // Lambda's own rule for the names of executions.
    for (const start of starts) expect(start).toMatch(/^start [a-zA-Z0-9-_]{1,64}$/)
  })

  it('is started again if no execution ever began its first turn', async () => {
    const client = new TaskClient(server())
    const id = await client.create('work')
    lambda.take()
    now += 31_000
    await client.get(id)
    expect(lambda.take()).toEqual([])
    now += 30_000
    await client.get(id)
    expect(lambda.take()).toEqual([`start ${id}-1`])
  })

  it('is told as it is when Lambda cannot be asked', async () => {
    const { client, id } = await stalled('FAILED')
    answer = () => [403, 'AccessDeniedException']
    now += 31_000
    expect((await client.get(id)).status).toBe('working')
    expect(warnings).toContain('A task could not be looked after')
  })

  it('is not looked after for a stranger', async () => {
    const { id } = await stalled('FAILED')
    now += 31_000
    const turns: Turn[] = []
    turns.push(await server(byHand).tasks.turn({ owner: 'stranger', id }, { runner: 'b' }))
    expect(turns).toEqual(['gone'])
    expect(lambda.take()).toEqual([])
  })
})

describe('a call of a client without tasks, at the deadline of the function,', () => {
  /** The server as a function that is ended in a moment, and a task whose first turn asks. */
  async function brief(revision: LegacyRevision | '2026-07-28', asks: boolean) {
    const mcp = createMcp({
      ...{ name: 'jobs', version: '1', store: sharedStore(memoryStore()), log: () => {} },
      runner: () => ({
        async start(task) {
          if (asks) void mcp.tasks.turn(task, { runner: 'a' })
        },
        async wake() {},
      }),
    })
    running.push(mcp)
    mcp.tool('work', { description: 'Asks', task: {} }, async (_, ctx) => {
      await ctx.elicit('Sure?', v.object({ sure: v.boolean() }), { key: 'sure' })
      return 'done'
    })
    const endpoint: TestEndpoint = {
      url: 'http://127.0.0.1/mcp',
      fetch: async (url, init) => {
        const platform = {
          deadline: Date.now() + (asks ? 2_600 : 1_300),
          background: false,
          suspendAfter: 2_000,
        }
        return mcp.fetch(new Request(url, init), { platform })
      },
      close: async () => {},
    }
    const options = { capabilities: { elicitation: {} } }
    const client =
      revision === '2026-07-28'
        ? new ModernClient(endpoint, options)
        : await LegacyClient.open(endpoint, revision, options)
    return { began: performance.now(), reply: await client.call('work') }
  }

  it.concurrent.each(['2025-06-18', '2025-11-25', '2026-07-28'] as const)(
    'is a handle for %s while the work goes on',
    async (revision) => {
      const { reply } = await brief(revision, false)
      const { content, isError } = await reply.result()
      expect(isError).toBeUndefined()
      expect(content[0].text).toMatch(/^The work goes on\.\n/)
    },
  )

  it.concurrent.each(['2025-06-18', '2025-11-25'] as const)(
    'is a handle for %s while a question is open that no one answers',
    async (revision) => {
      const { began, reply } = await brief(revision, true)
      const messages = await reply.rest()
      // The host ends the call after 2.6 seconds.
      expect(performance.now() - began).toBeLessThan(2_500)
      expect(messages[0]).toMatchObject({ method: 'elicitation/create' })
      const { result } = messages.at(-1) ?? {}
      expect(result?.isError).toBeUndefined()
      expect(result?.content[0].text).toContain('It waits for an answer: Sure?')
    },
  )
})

describe('a token for the wake-up', () => {
  it('is not kept when there is something to do, or when the task has ended', async () => {
    const { client, id, task, worker } = await asked()
    await client.answer(id, YES)
    expect(await worker.tasks.setWakeToken(task, 'late')).toBe('again')
    expect(await worker.tasks.turn(task, { runner: 'b' })).toBe('done')
    expect(await worker.tasks.setWakeToken(task, 'later')).toBe('done')
    expect(await worker.tasks.setWakeToken({ ...task, id: 'unknown' }, 'x')).toBe('gone')
    lambda.take()
    await client.answer(id, YES)
    expect(lambda.take()).toEqual([])
  })
})

describe('lambdaRunner()', () => {
  it.each(['tasks', 'arn:aws:lambda:eu-west-1:123456789012:function:tasks', ''])(
    'refuses %j, which names no version',
    (name) => {
      expect(() => lambdaRunner({ function: name })).toThrow(/alias or a version/)
    },
  )

  it('signs as the AWS SDK does', async () => {
    const seen: { headers: Record<string, string>; path: string; body: string }[] = []
    const endpoint = createServer(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
      const headers = request.headers as Record<string, string>
      seen.push({ headers, path: request.url ?? '', body: Buffer.concat(parts).toString() })
      response.writeHead(202).end()
    }).listen(0, '127.0.0.1')
    await once(endpoint, 'listening')
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'token' }
    const client = new LambdaClient({
      region: 'eu-west-1',
      endpoint: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`,
      credentials,
    })
    const command = {
      FunctionName: FUNCTION,
      InvocationType: 'Event',
      Payload: '{"id":"a"}',
    } as const
    await client.send(new InvokeCommand({ ...command, DurableExecutionName: 'a' }))
    client.destroy()
    endpoint.close()
    const [{ headers, path, body } = { headers: {}, path: '', body: '' }] = seen
    const { authorization = '', 'x-amz-date': time = '' } = headers
    const [, list = ''] = /SignedHeaders=([^,]+)/.exec(authorization) ?? []
    const signed = list.split(';').filter((name) => !/^x-amz-(date|security-token)$/.test(name))
    const sign = createSigner('lambda', 'eu-west-1')
    const epoch = Date.parse(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
    const own = sign(
      {
        headers: Object.fromEntries(signed.map((name) => [name, headers[name] ?? ''])),
        path,
        body,
      },
      credentials,
      epoch,
    )
    expect(path).toContain('%3Afunction%3Atasks%3Alive/')
    expect(own.authorization).toBe(authorization)
  })
})
