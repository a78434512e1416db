/** The size of what a server may send in one message: endless JSON and endless events end, long streams do not. */
import { describe, expect, it } from 'vitest'
import { limitedFetch } from '../../cli/src/limits.ts'

/** Reads a body that comes in these pieces, with a limit of 20 bytes. */
async function read(type: string, pieces: readonly string[]) {
  const told: string[] = []
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece))
      controller.close()
    },
  })
  const fetch = async () => new Response(body, { headers: { 'content-type': type } })
  const limited = limitedFetch(fetch, 20, ({ message }) => told.push(message))
  const response = await limited('http://127.0.0.1/')
  const text = await response.text().catch((error: Error) => error)
  return { text, told }
}

const EVENT = 'data: 123\n\n'
const tooLarge = 'The server sent more than 20 bytes in one message.'

describe.each(['application/json', 'text/event-stream; charset=utf-8'])('a body of %s', (type) => {
  it.each([
    ['at once', ['x'.repeat(21)]],
    ['in pieces', ['x'.repeat(15), 'x'.repeat(6)]],
  ])(
    'that is longer than the limit %s is an error, of which the caller is told',
    async (_, pieces) => {
      const { text, told } = await read(type, pieces)
      expect(text).toMatchObject({ message: tooLarge })
      expect(told).toEqual([tooLarge])
    },
  )

  it('within the limit is passed on as it is', async () => {
    const { text, told } = await read(type, ['x'.repeat(15), 'x'.repeat(5)])
    expect(text).toBe('x'.repeat(20))
    expect(told).toEqual([])
  })
})

describe('a stream of events', () => {
  it.each([
    ['whole', Array.from({ length: 10 }, () => EVENT)],
    ['in one piece', [EVENT.repeat(10)]],
    ['byte by byte', [...EVENT.repeat(10)]],
    ['with lines that end in CR LF', [...EVENT.repeat(10).replaceAll('\n', '\r\n')]],
  ])('may be longer than the limit when each event is shorter, %s', async (_, pieces) => {
    const { text, told } = await read('text/event-stream', pieces)
    expect(text).toBe(pieces.join(''))
    expect(told).toEqual([])
  })

  it('counts the lines of one event together', async () => {
    const { told } = await read('text/event-stream', [EVENT, 'data: 1\n'.repeat(3)])
    expect(told).toEqual([tooLarge])
  })
})

it('empty lines do not make JSON shorter', async () => {
  const { told } = await read('application/json', ['[1,\n\n'.repeat(5)])
  expect(told).toEqual([tooLarge])
})
