/** What many instances ask of a store: the real server over a counting store, with a virtual clock. */
import type { Store, StoreKey } from '../src/index.ts'
import { createMcp, memoryStore, preload } from '../src/index.ts'
import { fetchEndpoint, LegacyClient } from '../test/support/wire.ts'
import { VirtualTime } from './virtual-time.ts'

/** How an engine behaves towards a waiter. DynamoDB is polled, Redis and PostgreSQL wake. */
export type Engine = 'polled' | 'waking'

export interface Scenario {
  readonly engine: Engine
  /** Instances that are simulated. Each has one listener of 2025. */
  readonly instances: number
  /** Open questions at each of these instances. */
  readonly questions: number
  /** Copies of the record of changes. */
  readonly copies: number
  /** Seconds from one change to the next. */
  readonly changeEvery: number
  /** Characters of the URI that each change names. */
  readonly uriLength: number
  /** Seconds that are counted, after the first 20. */
  readonly seconds: number
}

/** What is counted, a second, in DynamoDB's units: a read has 4 KB, a write has 1 KB. */
export interface Rate {
  readonly operations: number
  readonly readUnits: number
  readonly writeUnits: number
}

export interface Found {
  /** The record of changes, which all instances share. */
  readonly record: Rate
  /** One copy of it, on average; without copies nothing. */
  readonly copy: Rate
  /** The sessions of the listeners. */
  readonly listeners: Rate
  /** Sessions, mailboxes, streams and leases of the calls that wait for a person. */
  readonly questions: Rate
  /** One call of a 2025 session that answers with JSON. Not a second, but the whole call. */
  readonly call: Rate
}

/** Milliseconds after which a wait on Redis or PostgreSQL ends without a change. */
const LONGEST_WAIT = 15_000

class Counter implements Rate {
  operations = 0
  readUnits = 0
  writeUnits = 0

  add(read: number, write: number): void {
    this.operations++
    this.readUnits += read
    this.writeUnits += write
  }

  include({ operations, readUnits, writeUnits }: Rate): void {
    this.operations += operations
    this.readUnits += readUnits
    this.writeUnits += writeUnits
  }

  per(count: number): Rate {
    return {
      operations: this.operations / count,
      readUnits: this.readUnits / count,
      writeUnits: this.writeUnits / count,
    }
  }
}

const sizeOf = (value: unknown) => (value === undefined ? 0 : JSON.stringify(value).length + 100)
const reads = (value: unknown) => Math.max(1, Math.ceil(sizeOf(value) / 4_096))
const writes = (value: unknown) => Math.max(1, Math.ceil(sizeOf(value) / 1_024))

/** Counts by partition. */
function counting(engine: Store, waking: boolean) {
  const counts = new Map<string, Counter>()
  const note = ([partition]: StoreKey, read: number, write: number) => {
    const counter = counts.get(partition) ?? new Counter()
    counts.set(partition, counter)
    counter.add(read, write)
  }
  const store: Store = {
    async get(key, options) {
      const found = await engine.get(key)
      note(key, reads(found?.value) * (options?.consistent === false ? 0.5 : 1), 0)
      return found
    },
    async put(key, value, options) {
      note(key, 0, writes(value))
      return engine.put(key, value, options)
    },
    async delete(key) {
      note(key, 0, 1)
      return engine.delete(key)
    },
    async append(log, after, entries, options) {
      note(log, 0, writes(entries))
      return engine.append(log, after, entries, options)
    },
    async read(log, after, limit) {
      const entries = await engine.read(log, after, limit)
      note(log, reads(entries), 0)
      return entries
    },
    ...(waking && {
      // Redis and PostgreSQL read the position of each place when a wait begins.
      async wait(watches, signal) {
        for (const { key } of watches) note(key, 1, 0)
        const ended = new AbortController()
        const end = () => ended.abort()
        const timer = setTimeout(end, LONGEST_WAIT)
        signal.addEventListener('abort', end)
        if (signal.aborted) end()
        await engine.wait?.(watches, ended.signal)
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
      },
    }),
  }
  return { store, counts }
}

/** Runs the instances, and counts what they ask of the store while they listen and wait. */
export async function simulate(scenario: Scenario): Promise<Found> {
  // Reading a file takes real time, in which the virtual one must not run.
  await preload()
  const time = new VirtualTime()
  const { clock } = time
  const engine = memoryStore({ clock })
  const { store, counts } = counting(engine, scenario.engine === 'waking')
  const servers = Array.from({ length: scenario.instances }, () => serverOf(store, scenario, clock))
  const asking = new Set<string>()
  try {
    for (const mcp of servers) {
      await time.during(listen(mcp))
      for (let i = 0; i < scenario.questions; i++) asking.add(await time.during(ask(mcp)))
      // Instances do not start in the same moment.
      await time.pass(Math.random() * 500)
    }
    await time.pass(20_000)
    counts.clear()
    for (let second = 0; second < scenario.seconds; second += scenario.changeEvery) {
      const uri = `file:///${second}`.padEnd(scenario.uriLength, 'x')
      await time.during(servers[0]?.notify.resourceUpdated(uri) ?? Promise.resolve())
      await time.pass(scenario.changeEvery * 1_000)
    }
    const sums = summary(counts, asking, scenario)
    counts.clear()
    return { ...sums, call: await time.during(costOfCall(servers[0], counts)) }
  } finally {
    const closed = Promise.all(servers.map((mcp) => mcp.close({ grace: 0 })))
    await time.during(closed)
    time.close()
  }
}

function serverOf(store: Store, { copies }: Scenario, clock: () => number) {
  const mcp = createMcp({
    name: 'simulated',
    version: '1.0.0',
    store,
    clock,
    changeCopies: copies,
    answerTimeout: 3_600_000,
    callTimeout: 3_600_000,
    log: () => {},
  })
  mcp.tool('ask', { description: 'Asks a person' }, async (_, ctx) => {
    const properties = { yes: { type: 'boolean' } }
    return (await ctx.elicit('Sure?', { type: 'object', properties })).action
  })
  mcp.tool('plain', { description: 'Answers at once' }, () => 'plain')
  mcp.resource('file:///{name}', { name: 'file' }, () => 'x')
  return mcp
}

async function listen(mcp: ReturnType<typeof createMcp>): Promise<void> {
  const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
  // A client that does not read is disconnected.
  void (await client.get()).rest().catch(() => {})
}

/** Returns the partition of a session whose call waits for a person. */
async function ask(mcp: ReturnType<typeof createMcp>): Promise<string> {
  const capabilities = { elicitation: {} }
  const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', { capabilities })
  const reply = await client.call('ask')
  await reply.find(({ method }) => method === 'elicitation/create')
  void reply.rest().catch(() => {})
  return `session/anyone/${client.sessionId}`
}

/** What one of some calls of a session costs. */
async function costOfCall(
  mcp: ReturnType<typeof createMcp> | undefined,
  counts: ReadonlyMap<string, Counter>,
): Promise<Rate> {
  if (!mcp) throw new Error('There is no instance')
  const calls = 10
  const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
  const session = () => counts.get(`session/anyone/${client.sessionId}`) ?? new Counter()
  const { operations, readUnits, writeUnits } = session()
  for (let i = 0; i < calls; i++) await (await client.call('plain')).result()
  const after = session()
  return {
    operations: (after.operations - operations) / calls,
    readUnits: (after.readUnits - readUnits) / calls,
    writeUnits: (after.writeUnits - writeUnits) / calls,
  }
}

function summary(
  counts: ReadonlyMap<string, Counter>,
  asking: ReadonlySet<string>,
  { seconds, copies }: Scenario,
): Omit<Found, 'call'> {
  const sums = {
    record: new Counter(),
    copy: new Counter(),
    listeners: new Counter(),
    questions: new Counter(),
  }
  for (const [partition, counter] of counts) {
    const name =
      partition === 'server'
        ? 'record'
        : partition.startsWith('server/')
          ? 'copy'
          : asking.has(partition)
            ? 'questions'
            : 'listeners'
    sums[name].include(counter)
  }
  return {
    record: sums.record.per(seconds),
    copy: sums.copy.per(seconds * Math.max(1, copies)),
    listeners: sums.listeners.per(seconds),
    questions: sums.questions.per(seconds),
  }
}
