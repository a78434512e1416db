/**
 * `npm run bench:load -- [minutes]`: mixed traffic on one server, by default for half an hour: both eras,
 * streams cut and resumed, sessions ended and abandoned. Ends with exit code 1 at the first wrong answer,
 * when the server exits (as after an unhandled rejection), or when its memory grows.
 */
import type { Dispatcher } from 'undici'
import { Agent, request } from 'undici'
import { buildServers } from './build.ts'
import type { Call } from './calls.ts'
import { ADD, count, INITIALIZE, legacy, modern } from './calls.ts'
import { median } from './measures.ts'
import { pinDriver, start } from './process.ts'

const minutes = Number(process.argv[2] ?? 30)
const CONNECTIONS = 16
const STEPS = 100
/**
 * Milliseconds for which the server keeps sessions and streams. After that time, as many expire as begin.
 * It is short, because the number of sessions follows the speed of the machine, which is not constant.
 */
const KEEP_MS = 10_000
/** Runs per second of all connections together; fewer on a busy machine. A constant rate keeps the memory constant. */
const PACE = 400
const SAMPLES = 120
const MEBIBYTE = 1024 * 1024

// With less time, the second quarter would begin before any session has expired.
if (!(minutes >= 1)) throw new Error('Minutes: a number of at least 1')

pinDriver()
await buildServers()
await using server = await start('ours', { env: { KEEP_MS: String(KEEP_MS) } })
const url = `http://127.0.0.1:${server.port}/mcp`
const dispatcher = new Agent({ connections: CONNECTIONS })

/** How often each kind of traffic was completed. */
const done = new Map<string, number>()
const end = Date.now() + minutes * 60_000

function send(call: Call, method: Dispatcher.HttpMethod = 'POST') {
  const { body, headers } = call
  return request(url, { method, headers, dispatcher, ...(method === 'POST' && { body }) })
}

async function ask(call: Call, expected: string): Promise<void> {
  const reply = await send(call)
  const text = await reply.body.text()
  requireThat(reply.statusCode === 200 && text.includes(expected), `${reply.statusCode} ${text}`)
}

function requireThat(fact: boolean, why: string): asserts fact {
  if (!fact) throw new Error(why)
}

async function open(): Promise<Parameters<typeof legacy>[2]> {
  const reply = await send(INITIALIZE)
  const text = await reply.body.text()
  const session = reply.headers['mcp-session-id']
  requireThat(typeof session === 'string', `initialize: ${reply.statusCode} ${text}`)
  return { revision: '2025-11-25', session }
}

interface Event {
  readonly id: string | undefined
  readonly data: string
}

async function* events(body: AsyncIterable<Uint8Array>): AsyncGenerator<Event> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    const blocks = rest.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const id = /^id: (.*)$/m.exec(block)?.[1]
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (data !== undefined) yield { id, data }
    }
  }
}

/** Checks that every step came once and in order, and then the result. */
function requireAll(messages: readonly string[]): void {
  const told = messages.slice(0, -1).map((data) => JSON.parse(data).params?.progress)
  const right = told.length === STEPS && told.every((progress, i) => progress === i + 1)
  requireThat(right && messages.at(-1)?.includes('"done"') === true, messages.join('\n'))
}

const traffic: Record<string, () => Promise<void>> = {
  async 'modern calls'() {
    for (let i = 0; i < 20; i++) await ask(modern('tools/call', ADD), '"3"')
    await ask(modern('tools/list'), '"add"')
  },
  async 'sessions, ended'() {
    const session = await open()
    for (let i = 0; i < 20; i++) await ask(legacy('tools/call', ADD, session), '"3"')
    const reply = await send(legacy('', {}, session), 'DELETE')
    await reply.body.dump()
    requireThat(reply.statusCode === 204, `DELETE: ${reply.statusCode}`)
    const late = await send(legacy('tools/call', ADD, session))
    await late.body.dump()
    requireThat(late.statusCode === 404, `after DELETE: ${late.statusCode}`)
  },
  async 'sessions, abandoned'() {
    await ask(legacy('tools/call', ADD, await open()), '"3"')
  },
  async 'modern streams'() {
    const reply = await send(modern('tools/call', count(STEPS, true)))
    const messages: string[] = []
    for await (const { data } of events(reply.body)) messages.push(data)
    requireAll(messages)
  },
  async 'modern streams, cut'() {
    const reply = await send(modern('tools/call', count(STEPS * 10, true)))
    let cut = false
    for await (const { data } of events(reply.body)) {
      cut = data.includes('"progress":5,')
      if (cut) break
    }
    requireThat(cut, `${reply.statusCode}, and no stream to cut`)
    reply.body.destroy()
  },
  async 'legacy streams, cut and resumed'() {
    const session = await open()
    const messages: string[] = []
    let lastId = ''
    const cut = 1 + Math.floor(Math.random() * STEPS)
    const reply = await send(legacy('tools/call', count(STEPS, true), session))
    for await (const { id, data } of events(reply.body)) {
      lastId = id ?? lastId
      if (data) messages.push(data)
      if (messages.length >= cut) break
    }
    reply.body.destroy()
    const { headers } = legacy('', {}, session)
    const again = { body: '', headers: { ...headers, 'last-event-id': lastId } }
    const rest = await send(again, 'GET')
    requireThat(rest.statusCode === 200, `GET: ${rest.statusCode}`)
    for await (const { data } of events(rest.body)) if (data) messages.push(data)
    requireAll(messages)
  },
}

async function worker(): Promise<void> {
  const kinds = Object.entries(traffic)
  for (let next = Date.now(); next < end; ) {
    next = Math.max(next + (CONNECTIONS * 1_000) / PACE, Date.now())
    await new Promise((resolve) => setTimeout(resolve, next - Date.now()))
    const [name, run] = kinds[Math.floor(Math.random() * kinds.length)] ?? []
    if (!name || !run) continue
    await run()
    done.set(name, (done.get(name) ?? 0) + 1)
  }
}

/** Mebibytes of the heap, and of buffers outside it, after a garbage collection. */
const held: number[] = []
let peak = 0
async function watch(): Promise<void> {
  for (let left = SAMPLES; left > 0; left--) {
    await new Promise((resolve) => setTimeout(resolve, (end - Date.now()) / left))
    const { heapUsed, external, rss } = await server.usage(true)
    const now = (heapUsed + external) / MEBIBYTE
    held.push(now)
    peak = Math.max(peak, rss / MEBIBYTE)
    const runs = [...done.values()].reduce((sum, one) => sum + one, 0)
    process.stderr.write(
      `${new Date().toISOString().slice(11, 19)} ${now.toFixed(1)} MiB held, ${(rss / MEBIBYTE).toFixed(0)} MiB RSS, ${runs} runs\n`,
    )
  }
}

await Promise.all([watch(), ...Array.from({ length: CONNECTIONS }, worker)])
await dispatcher.destroy()

// Memory may grow in the first quarter, while sessions are kept; after that it must stay level.
const quarter = (n: number) =>
  median(held.slice((held.length * n) / 4, (held.length * (n + 1)) / 4))
const [second, last] = [quarter(1), quarter(3)]
process.stdout.write(
  `${minutes} minutes at ${CONNECTIONS} connections, no wrong answer: ${JSON.stringify(Object.fromEntries(done))}
held after a collection: ${second.toFixed(1)} MiB in the second quarter, ${last.toFixed(1)} MiB in the last; RSS at most ${peak.toFixed(0)} MiB
`,
)
if (last > second * 1.15 + 1) {
  process.stderr.write('Its memory has grown\n')
  process.exitCode = 1
}
