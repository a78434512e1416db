/** The writer of an event log: the events that a client still gets when the log cannot be written. */
import { afterEach, expect, it } from 'vitest'
import { memoryStore } from '../../src/index.ts'
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

function open(store = memoryStore()) {
  const delivered: (string | undefined)[][] = []
  const seen = { lost: 0 }
  const made = new EventLogWriter({
    ...options,
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
