/** The measurements. Servers are compared within one round, so that a machine whose speed drifts gives the same ratios. */
import { Client, shakeHands } from './client.ts'
import type { Contender, Load } from './contenders.ts'
import { FLOOR } from './contenders.ts'
import { start } from './process.ts'

/** The number of connections of most measurements. */
const CONNECTIONS = 16

export interface Settings {
  rounds: number
  /**
   * Milliseconds of CPU that one round of a server takes. With wall-clock time, a server that has to wait
   * would do less work. Many short rounds are steadier than few long ones, because garbage collections fall
   * into fewer of them.
   */
  slice: number
  /** The smallest number of calls before the first round, because code that is not compiled yet takes up to four times as long. */
  warmUp: number
  /** The number of new processes behind a figure that differs from process to process. */
  processes: number
}

/** The least CPU time before the first round, in microseconds, because cheap calls are compiled late. */
const WARM_UP_CPU = 1_000_000

/** Figures of one request, as the mean of a round. */
interface Spent {
  /** Microseconds of the server's CPU. */
  readonly cpu: number
  readonly seconds: number
}

export interface Cost {
  readonly label: string
  /** Microseconds of the server's CPU per request, the median of the rounds. */
  readonly cpu: number
  /** The ratio of that time to bare Hono's in the same round. */
  readonly ratio: number
  /** The quartiles of the rounds. */
  readonly quartiles: readonly [number, number]
  readonly stream?: Stream
}

/** Figures of one event of a stream that has its connection alone. */
export interface Stream {
  readonly perSecond: number
  /** Microseconds of the server's CPU. */
  readonly cpu: number
  /** The bytes of the body, the result included. */
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

/** The rounds of one contender, and the rounds of the floor at the same time. */
interface Rounds {
  readonly spent: Spent[]
  readonly below: Spent[]
  bytes: number
}

const noRounds = (): Rounds => ({ spent: [], below: [], bytes: 0 })

/** Measures the CPU per request of each server under one load; the floor comes first. */
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

/** A server that is warm, and a function that runs a round on it. */
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
  /** Mebibytes of the process, and of its heap after a garbage collection. */
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
  /** Bytes by which each session makes the heap (after a garbage collection) and the process grow. */
  readonly heap: number
  readonly rss: number
}

/** Measures the memory of sessions that are opened as clients do, never used and never ended. */
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
  // Memory that the process needs without sessions is subtracted.
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

/** Measures the latency of each server in rounds, one server after the other, and returns the medians. */
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

/** Milliseconds from the start of a process to its first answer, minus bare Hono's in the same round. */
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
