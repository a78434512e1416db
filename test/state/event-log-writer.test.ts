/** The writer of an event log: the events that a client still gets when the log cannot be written. */
import { afterEach, expect, it } from 'vitest'
import { memoryStore, ValueTooLarge } from '../../src/index.ts'
import { terminalErrors } from '../../src/state/event-log/event-log.ts'
import { EventLogWriter } from '../../src/state/event-log/writer.ts'

const HOUR = 3600_000
const options = {
  retention: HOUR,
  lease: HOUR,
  gather: 0,
  maxEvents: 100,
  maxLength: 10_000,
  clock: Date.now,
}

let writer: EventLogWriter | undefined
afterEach(() => writer?.abandon())

function open(store = memoryStore(), maxLength = options.maxLength) {
  const delivered: (string | undefined)[][] = []
  const seen = { lost: 0 }
  const made = new EventLogWriter({
    ...options,
    maxLength,
    store,
    partition: 'session/anyone/1',
    requests: [1],
    deliver: (events) => delivered.push(...events.map(({ id, data }) => [id, data])),
    lost: () => {
      seen.lost += 1
    },
  })
  writer = made
  return { store, writer: made, delivered, seen }
}

it('delivers later events without ids when the store has evicted the log', async () => {
  const { store, writer, delivered, seen } = open(memoryStore({ maxItems: 1 }))
  writer.push('one')
  await writer.flush()
  await store.put(['other', 'record'], 1, { expiresAt: Date.now() + HOUR })
  writer.push('two')
  await writer.end(['three'])
  expect(delivered).toEqual([
    [`${writer.id}.2`, 'one'],
    [undefined, 'two'],
    [undefined, 'three'],
  ])
  expect(seen.lost).toBe(0)
})

it('delivers nothing more when another instance has closed the log', async () => {
  const { store, writer, delivered, seen } = open()
  writer.push('one')
  await writer.flush()
  const log = ['session/anyone/1', `stream/${writer.id}`] as const
  const closing = terminalErrors([1], 'closed').map((event) => ({ ...event }))
  await store.append(log, 2, closing, { expiresAt: Date.now() + HOUR })
  writer.push('two')
  await writer.end(['three'])
  expect(delivered).toEqual([[`${writer.id}.2`, 'one']])
  expect(seen.lost).toBe(1)
})

/** The entries of the writer's log. */
const entriesOf = async (store: ReturnType<typeof memoryStore>, { id }: EventLogWriter) =>
  (await store.read(['session/anyone/1', `stream/${id}`], 0)).map(
    ({ value }) => value as { m?: string; f?: boolean },
  )

it('writes no more than 100,000 characters at once', async () => {
  const store = memoryStore()
  const lengths: number[] = []
  const { append } = store
  store.append = (log, after, entries, given) => {
    lengths.push(JSON.stringify(entries).length)
    return append(log, after, entries, given)
  }
  const { writer } = open(store, 1_000_000)
  for (let i = 0; i < 5; i++) writer.push('x'.repeat(60_000))
  await writer.flush()
  expect(lengths.length).toBeGreaterThan(2)
  expect(Math.max(...lengths)).toBeLessThan(110_000)
})

it('keeps an error in place of a result that is too large for the store', async () => {
  const store = memoryStore()
  const { append } = store
  store.append = async (log, after, entries, given) => {
    if (JSON.stringify(entries).length > 5_000) throw new ValueTooLarge('too large')
    return append(log, after, entries, given)
  }
  const { writer, delivered } = open(store)
  const result = 'x'.repeat(6_000)
  await writer.end([result])
  expect(delivered).toEqual([[undefined, result]])
  const last = (await entriesOf(store, writer)).at(-1)
  expect(last).toMatchObject({ f: true, m: expect.stringContaining('too large to be kept') })
})

it.each([
  ['events', 150, 10],
  ['characters', 30, 1_000],
])('keeps a bounded number of %s, and the result', async (_, count, length) => {
  const { store, writer, delivered } = open()
  for (let i = 0; i < count; i++) {
    writer.push('x'.repeat(length))
    await writer.flush()
  }
  await writer.end(['the result'])
  expect(delivered).toHaveLength(count + 1)
  const entries = await entriesOf(store, writer)
  const messages = entries.flatMap(({ m }) => m ?? [])
  expect(entries.length).toBeLessThanOrEqual(101)
  expect(messages.join('').length).toBeLessThanOrEqual(10_010)
  expect(messages.length).toBeGreaterThan(5)
  expect(entries.at(-1)).toEqual({ m: 'the result', f: true })
})
