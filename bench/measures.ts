/** The measurements. Each compares servers within one round, so that a machine whose speed drifts tells the same. */
import { Client, shakeHands } from './client.ts'
import { type Contender, FLOOR, type Load } from './contenders.ts'
import { start } from './process.ts'

/** Connections of a measurement that is not about their number. */
const CONNECTIONS = 16

export interface Settings {
  rounds: number
  /** Milliseconds of a server's CPU that one round of it is to take; wall clock would cut short who is held up. */
  slice: number
  /** Calls before the first round, at the least: the compiler's threads count as the process's own. */
  warmUp: number
}

/** Microseconds of CPU before the first round, at the least: cheap calls take many to be compiled. */
const WARM_UP_CPU = 400_000

export interface Cost {
  readonly label: string
  /** Microseconds of the server's CPU per request, the median of the rounds. */
  readonly cpu: number
  /** Its ratio to bare Hono's in the same round: the median, and the rounds it stands between. */
  readonly ratio: number
  readonly range: readonly [number, number]
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** CPU per request of each, under one load. */
export async function costs(
  contenders: readonly Contender[],
  load: Load,
  { rounds, slice, warmUp }: Settings,
): Promise<Cost[]> {
  await using floor = await prepare(FLOOR, load, warmUp)
  const costs: Cost[] = []
  // one at a time beside the floor: servers that wait still take turns at the collector's and timers' whim
  for (const contender of contenders) {
    if (load.streams && contender.mute) continue
    await using own = await prepare(contender, load, warmUp)
    const cpus: number[] = []
    const ratios: number[] = []
    for (let round = 0; round < rounds; round++) {
      const below = await floor.perRequest(floor.callsIn(slice))
      const cpu = await own.perRequest(own.callsIn(slice))
      cpus.push(cpu)
      ratios.push(cpu / below)
    }
    costs.push({
      label: contender.label,
      cpu: median(cpus),
      ratio: median(ratios),
      range: [Math.min(...ratios), Math.max(...ratios)],
    })
  }
  return costs
}

async function prepare(contender: Contender, load: Load, warmUp: number) {
  const env = { ...contender.env, ...(load.streams && contender.streamEnv) }
  const server = await start(contender.server, { env: { ...env, TOOLS: String(load.tools) } })
  const client = new Client(server.port, load.streams ? 1 : CONNECTIONS)
  const call = await load.call(contender.era, client)
  const perRequest = async (calls: number) => {
    const before = await server.usage()
    await client.repeat(call, (done) => done < calls)
    return ((await server.usage()).cpu - before.cpu) / calls
  }
  let typical = 0
  let [calls, cpu] = [0, 0]
  const step = load.streams ? 20 : 250
  const enough = load.streams ? warmUp / 25 : warmUp
  while (calls < enough || cpu < WARM_UP_CPU) {
    typical = await perRequest(step)
    calls += step
    cpu += step * typical
  }
  return {
    perRequest,
    callsIn: (milliseconds: number) => Math.max(10, Math.round((milliseconds * 1_000) / typical)),
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

/** Bytes of heap that each session costs which is opened as clients do, never used and never ended. */
export async function bytesPerSession(contender: Contender, sessions: number): Promise<number> {
  await using server = await start(contender.server, { env: contender.env ?? {} })
  const client = new Client(server.port, CONNECTIONS)
  const open = async (many: number) => {
    let begun = 0
    const worker = async () => {
      while (begun++ < many) await shakeHands(client)
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  }
  await open(500)
  const before = await server.usage(true)
  await open(sessions)
  const after = await server.usage(true)
  await client.close()
  return (after.heapUsed - before.heapUsed) / sessions
}

export interface Latency {
  readonly label: string
  readonly connections: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly majorCollections: number
}

/** Latency of each, round by round in turn; the median of the rounds. */
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
