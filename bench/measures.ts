/** The measurements. Servers are compared within one round, so that a machine whose speed drifts gives the same ratios. */
import { Client, shakeHands } from './client.ts'
import type { Contender, Load } from './contenders.ts'
import { FLOOR } from './contenders.ts'
import { start } from './process.ts'

/** Connections of a measurement that is not about their number. */
const CONNECTIONS = 16

export interface Settings {
  rounds: number
  /**
   * Milliseconds of CPU that one round of a server takes. By wall clock, a server that was held up
   * would get less work done. Many short rounds are steadier than few long ones: a collection falls into fewer of them.
   */
  slice: number
  /** Calls before the first round, at the least: until it is compiled, a server costs up to four times as much. */
  warmUp: number
  /** Servers one after the other, each anew, behind a figure whose rounds alone would not settle it. */
  processes: number
}

/** Microseconds of CPU before the first round, at the least: cheap calls take many to be compiled. */
const WARM_UP_CPU = 1_000_000

/** Figures of one request, the mean of a round. */
interface Spent {
  /** Microseconds of the server's CPU. */
  readonly cpu: number
  readonly seconds: number
}

export interface Cost {
  readonly label: string
  /** Microseconds of the server's CPU per request, the median of the rounds. */
  readonly cpu: number
  /** Its ratio to bare Hono's in the same round. */
  readonly ratio: number
  /** The quartiles of the rounds. */
  readonly quartiles: readonly [number, number]
  readonly stream?: Stream
}

/** Figures of one event of a stream that nothing else shares the connection with. */
export interface Stream {
  readonly perSecond: number
  /** Microseconds of the server's CPU. */
  readonly cpu: number
  /** Of the body, the result's included. */
  readonly bytes: number
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0)

/** The rounds of one contender, with the floor's rounds beside them. */
interface Rounds {
  readonly spent: Spent[]
  readonly below: Spent[]
  bytes: number
}

const noRounds = (): Rounds => ({ spent: [], below: [], bytes: 0 })

/** CPU per request of each, under one load; the floor's first. */
export async function costs(
  contenders: readonly Contender[],
  load: Load,
  settings: Settings,
): Promise<Cost[]> {
  const able = contenders.filter(
    ({ mute, table }) => !(load.events && mute) && (load.table || !table),
  )
  const floors = noRounds()
  const all = able.map((contender) => ({ contender, rounds: noRounds() }))
  // Where state grows, two processes of the same server differ by 5 %, so several are measured.
  for (let process = 0; process < (load.grows ? settings.processes : 1); process++) {
    await using floor = await prepare(FLOOR, load, settings)
    floors.bytes = floor.bytes
    // One server at a time runs beside the floor: idle servers still use CPU for timers and garbage collection.
    for (const { contender, rounds } of all) {
      await using own = await prepare(contender, load, settings)
      rounds.bytes = own.bytes
      for (let round = 0; round < settings.rounds; round++) {
        rounds.below.push(await floor.round())
        rounds.spent.push(await own.round())
      }
      floors.spent.push(...rounds.below.slice(-settings.rounds))
    }
  }
  const floorCost = toCost(FLOOR, load, { ...floors, below: floors.spent })
  return [floorCost, ...all.map(({ contender, rounds }) => toCost(contender, load, rounds))]
}

function toCost(
  { label }: Contender,
  { events, grows }: Load,
  { spent, below, bytes }: Rounds,
): Cost {
  const [cpus, floors] = [spent.map(({ cpu }) => cpu), below.map(({ cpu }) => cpu)]
  const ratios = cpus.map((cpu, round) => cpu / (floors[round] ?? Number.NaN))
  const cpu = median(cpus)
  return {
    label,
    cpu,
    // Where state grows, garbage collection falls into few rounds, which a median would leave out: use the mean.
    ratio: grows ? sum(cpus) / sum(floors) : median(ratios),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    ...(events && {
      stream: {
        perSecond: events / median(spent.map(({ seconds }) => seconds)),
        cpu: cpu / events,
        bytes: bytes / events,
      },
    }),
  }
}

/** A server that is warm, and how to have it do a round. */
async function prepare(contender: Contender, load: Load, { slice, warmUp }: Settings) {
  const env = { ...contender.env, ...(load.events && contender.streamEnv) }
  const server = await start(contender.server, { env: { ...env, TOOLS: String(load.tools) } })
  const connections = load.events ? 1 : CONNECTIONS
  const client = new Client(server.port, connections)
  const call = await load.call(contender.era, client)
  const { text } = await client.send(call)
  const events = text.split('"notifications/progress"').length - 1
  if (events !== (load.events ?? 0)) throw new Error(`${contender.label} sent ${events} events`)

  let calls = connections
  const round = async (): Promise<Spent> => {
    const [before, begun] = [await server.usage(), performance.now()]
    await client.repeat(call, (done) => done < calls)
    const seconds = (performance.now() - begun) / 1_000
    const { cpu } = await server.usage()
    return { cpu: (cpu - before.cpu) / calls, seconds: seconds / calls }
  }
  const seen: number[] = []
  let [done, used] = [0, 0]
  const enough = load.events ? warmUp / 100 : warmUp
  while (done < enough || used < WARM_UP_CPU) {
    const { cpu } = await round()
    seen.push(cpu)
    done += calls
    used += cpu * calls
    calls = Math.max(connections, Math.round((slice * 1_000) / median(seen.slice(-5))))
  }
  return {
    round,
    bytes: Buffer.byteLength(text),
    async [Symbol.asyncDispose]() {
      await client.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

export interface Memory {
  readonly label: string
  /** Mebibytes of the process, and of its heap after a collection. */
  readonly rss: number
  readonly heap: number
  readonly majorCollections: number
}

const MEBIBYTE = 1024 * 1024

export async function memoryAfter(
  contender: Contender,
  load: Load,
  calls: number,
): Promise<Memory> {
  await using server = await start(contender.server, { env: contender.env ?? {} })
  const client = new Client(server.port, CONNECTIONS)
  const call = await load.call(contender.era, client)
  await client.repeat(call, (done) => done < calls)
  const { rss, majorCollections } = await server.usage()
  const { heapUsed } = await server.usage(true)
  await client.close()
  const { label } = contender
  return { label, rss: rss / MEBIBYTE, heap: heapUsed / MEBIBYTE, majorCollections }
}

export interface Abandoned {
  readonly label: string
  readonly sessions: number
  /** Bytes by which each session makes them grow: the heap after a collection, and the process. */
  readonly heap: number
  readonly rss: number
}

/** What sessions cost that are opened as clients do, never used and never ended. */
export async function memoryPerSession(contender: Contender, sessions: number): Promise<Abandoned> {
  await using server = await start(contender.server, { env: contender.env ?? {} })
  const client = new Client(server.port, CONNECTIONS)
  const open = async (many: number) => {
    let begun = 0
    const worker = async () => {
      while (begun++ < many) await shakeHands(client)
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  }
  // Memory that a process takes in any case does not count for the sessions.
  await open(sessions / 5)
  const before = await server.usage(true)
  await open(sessions)
  const after = await server.usage(true)
  await client.close()
  return {
    label: contender.label,
    sessions,
    heap: (after.heapUsed - before.heapUsed) / sessions,
    rss: (after.rss - before.rss) / sessions,
  }
}

export interface Latency {
  readonly label: string
  readonly connections: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly majorCollections: number
}

/** Latency of each, round by round, one server after the other; the median of the rounds. */
export async function latencies(
  contenders: readonly Contender[],
  load: Load,
  connections: number,
  { rounds, calls }: { rounds: number; calls: number },
): Promise<Latency[]> {
  const rows = []
  for (const contender of contenders) {
    const server = await start(contender.server, { env: contender.env ?? {} })
    const client = new Client(server.port, connections)
    const call = await load.call(contender.era, client)
    await client.repeat(call, (done) => done < 3_000)
    const { majorCollections } = await server.usage()
    const times = { p50: [] as number[], p99: [] as number[] }
    rows.push({ contender, server, client, call, majorCollections, ...times })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { client, call, p50, p99 } of rows) {
      const times = await client.repeat(call, (done) => done < calls)
      p50.push(quantile(times, 0.5))
      p99.push(quantile(times, 0.99))
    }
  }
  const found: Latency[] = []
  for (const { contender, server, client, majorCollections, p50, p99 } of rows) {
    const usage = await server.usage()
    found.push({
      label: contender.label,
      connections,
      p50: median(p50),
      p99: median(p99),
      majorCollections: usage.majorCollections - majorCollections,
    })
    await client.close()
    await server[Symbol.asyncDispose]()
  }
  return found
}

/** Milliseconds from starting a process to its first answer, beyond bare Hono's in the same round. */
export async function coldStarts(
  contenders: readonly Contender[],
  load: Load,
  rounds: number,
): Promise<{ label: string; later: number }[]> {
  const first = async (contender: Contender) => {
    const before = performance.now()
    await using server = await start(contender.server, { env: contender.env ?? {}, flags: [] })
    const client = new Client(server.port, 1)
    await client.send(await load.call(contender.era, client))
    const time = performance.now() - before
    await client.close()
    return time
  }
  const found = []
  for (const contender of contenders) {
    const later: number[] = []
    for (let round = 0; round < rounds; round++) {
      const floor = await first(FLOOR)
      later.push((await first(contender)) - floor)
    }
    found.push({ label: contender.label, later: median(later) })
  }
  return found
}
