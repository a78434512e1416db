/** Answers to a running call, which may arrive at any instance. */
import { afterEach, expect, it } from 'vitest'
import type { JsonRpcResponse } from '../../src/protocol/jsonrpc.ts'
import { deliverResponses, Mailbox } from '../../src/state/mailbox.ts'
import type { LegacySession } from '../../src/state/sessions.ts'
import { Sessions } from '../../src/state/sessions.ts'
import { racingStore } from '../support/racing-store.ts'

const HOUR = 3600_000
const options = { retention: HOUR, clock: Date.now }

const opened: Mailbox[] = []
afterEach(() => {
  for (const mailbox of opened.splice(0)) mailbox.close()
})

async function open() {
  const store = racingStore()
  const sessions = new Sessions<LegacySession>(store, 'session', {
    ttl: HOUR,
    maxAge: HOUR,
    clock: Date.now,
  })
  const session = await sessions.open('ann', (createdAt) => ({
    revision: '2025-03-26',
    client: {},
    capabilities: {},
    createdAt,
  }))
  const mailboxOf = (request: string | number) => {
    const mailbox = new Mailbox(store, session, request, options)
    opened.push(mailbox)
    return mailbox
  }
  const { partition } = session
  const log = (request: string | number) => [partition, `inbox/${JSON.stringify(request)}`] as const
  const deliver = (...responses: JsonRpcResponse[]) =>
    deliverResponses(store, partition, responses, options)
  const entries = async (request: string | number) =>
    (await store.engine.read(log(request), 0)).length
  return { store, partition, mailboxOf, deliver, entries }
}

const answerTo = (id: string, result: unknown): JsonRpcResponse => ({ jsonrpc: '2.0', id, result })

it('the first answer to a question counts, and a later one is not stored', async () => {
  const { mailboxOf, deliver, entries } = await open()
  const { id, answer } = await mailboxOf(1).ask()
  await deliver(answerTo(id, 'first'))
  await deliver(answerTo(id, 'second'))
  expect(await answer).toEqual({ result: 'first' })
  expect(await entries(1)).toBe(2)
})

it('one batch answers a question once', async () => {
  const { mailboxOf, deliver, entries } = await open()
  const { id, answer } = await mailboxOf(1).ask()
  await deliver(answerTo(id, 'first'), answerTo(id, 'second'))
  expect(await answer).toEqual({ result: 'first' })
  expect(await entries(1)).toBe(2)
})

it('an answer to a question that was never asked is not stored', async () => {
  const { mailboxOf, deliver, entries } = await open()
  const { id } = await mailboxOf(1).ask()
  await deliver(answerTo(id.replace(/^[\w-]{24}/, 'x'.repeat(24)), 'invented'))
  expect(await entries(1)).toBe(1)
})

it('two answers at the same time at two instances both arrive', async () => {
  const { store, partition, mailboxOf, deliver } = await open()
  const mailbox = mailboxOf(1)
  const [one, two] = [await mailbox.ask(), await mailbox.ask()]
  store.before('append', 'inbox', () =>
    deliverResponses(store.engine, partition, [answerTo(two.id, 'two')], options),
  )
  await deliver(answerTo(one.id, 'one'))
  expect(await one.answer).toEqual({ result: 'one' })
  expect(await two.answer).toEqual({ result: 'two' })
})

it('calls whose ids differ only in type have mailboxes of their own', async () => {
  const { mailboxOf, deliver } = await open()
  const [number, text] = [await mailboxOf(1).ask(), await mailboxOf('1').ask()]
  await deliver(answerTo(text.id, 'text'), answerTo(number.id, 'number'))
  expect(await number.answer).toEqual({ result: 'number' })
  expect(await text.answer).toEqual({ result: 'text' })
})

it('one POST answers questions of sixteen calls at most', async () => {
  const { mailboxOf, deliver } = await open()
  const asked = await Promise.all(Array.from({ length: 17 }, (_, i) => mailboxOf(i).ask()))
  const answers = asked.map(({ id }) => answerTo(id, 'x'))
  await expect(async () => deliver(...answers)).rejects.toThrow('16 calls')
  await deliver(...answers.slice(0, 16))
  expect(await asked[0]?.answer).toEqual({ result: 'x' })
})
