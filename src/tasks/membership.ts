/**
 * Which processes run tasks, and which tasks each is responsible for. It is in records of the store, so that
 * the tasks of a process that died are found. Durations are compared, never the clocks of two processes.
 */
import { readCurrent, updateRecord } from '../state/records.ts'
import type { StoreKey, TypedStore } from '../state/store.ts'
import type { TaskEngine, TaskRef } from './runner.ts'

export interface MembershipOptions {
  /** The id of this process's runner. */
  readonly id: string
  readonly engine: TaskEngine
  /** Milliseconds without a sign of life, after which a process counts as dead. */
  readonly lease: number
  /** Called for each task of a process that died. */
  readonly adopt: (ref: TaskRef) => void
}

/** All runners that may have tasks. */
const RUNNERS: StoreKey = ['tasks/registry', 'runners']
const heartbeatKey = (runner: string): StoreKey => [`tasks/registry/${runner}`, 'heartbeat']
const shardKey = (runner: string, shard: number): StoreKey => [
  `tasks/registry/${runner}`,
  `shard/${shard}`,
]

/** Tasks in one record: about 10 KB. */
const SHARD_SIZE = 200

/** Heartbeats in a lease, and leases that a heartbeat is kept for. */
const SIGNS_PER_LEASE = 3
const KEPT_LEASES = 4

/** Leases between two looks, at most, while no process has tasks. */
const QUIET_LEASES = 2

/** Other processes that one process watches: those that follow it in the order of the ids. */
const WATCHED = 3

const YEAR = 365 * 86_400_000

/** What this process has seen of another one. */
interface Sighting {
  readonly version: number
  /** `performance.now()` at which that version was seen first. */
  readonly since: number
}

export class Membership {
  readonly #options: MembershipOptions
  readonly #store: TypedStore
  readonly #shards: Map<string, TaskRef>[] = []
  readonly #sightings = new Map<string, Sighting>()
  /** For each shard, the write that runs and the one that comes after it. */
  readonly #writes = new Map<number, { now: Promise<void>; next: Promise<void> | undefined }>()
  #joined: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #left = false
  /** Milliseconds until the next look; longer and longer while no process has tasks. */
  #pause: number

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#pause = options.lease / SIGNS_PER_LEASE
    this.#store = options.engine.store as TypedStore
  }

  /** Makes this process responsible for a task. Resolves when that is durable. */
  async add(ref: TaskRef): Promise<void> {
    const known = this.#shards.findIndex((shard) => shard.size < SHARD_SIZE)
    const shard = known < 0 ? this.#shards.push(new Map()) - 1 : known
    this.#shards[shard]?.set(ref.id, ref)
    await this.#join()
    await this.#save(shard)
  }

  /** The task has ended. The next write of its shard leaves it out. */
  remove({ id }: TaskRef): void {
    for (const shard of this.#shards) if (shard.delete(id)) return
  }

  /** Begins to watch the other processes. */
  async watch(): Promise<void> {
    this.#schedule(0)
  }

  /** Whether another process has given a sign of life within a lease, as far as this one has seen. */
  async isAlive(runner: string): Promise<boolean> {
    const heartbeat = await this.#store.get<true>(heartbeatKey(runner))
    // It ended by itself, or was silent for so long that its last sign has expired.
    if (!heartbeat) return false
    const { version } = heartbeat
    const seen = this.#sightings.get(runner)
    const now = performance.now()
    if (seen?.version === version) return now - seen.since < this.#options.lease
    this.#sightings.set(runner, { version, since: now })
    return true
  }

  /** Says that this process has ended, so that others take over at once. */
  async leave(): Promise<void> {
    this.#left = true
    clearTimeout(this.#timer)
    if (!this.#joined) return
    try {
      await this.#joined
      await this.#store.delete(heartbeatKey(this.#options.id))
    } catch {
      // The store is away: the others find out a lease later.
    }
  }

  /** Before its first task, so that other processes know of it. */
  async #join(): Promise<void> {
    this.#joined ??= this.#enter()
    try {
      await this.#joined
    } catch (error) {
      this.#joined = undefined
      throw error
    }
  }

  async #enter(): Promise<void> {
    const { id, engine } = this.#options
    await this.#showLife()
    await updateRecord<readonly string[]>(engine.store, RUNNERS, ({ value = [] }) =>
      value.includes(id) ? undefined : { value: [...value, id], expiresAt: engine.clock() + YEAR },
    )
    // It may have looked rarely before, and now has to show life.
    this.#pause = this.#options.lease / SIGNS_PER_LEASE
    this.#schedule(this.#pause)
  }

  async #showLife(): Promise<void> {
    const { id, engine, lease } = this.#options
    const expiresAt = engine.clock() + lease * KEPT_LEASES
    await this.#store.put(heartbeatKey(id), true, { expiresAt })
  }

  /**
   * A process that was slow, or had no tasks for a moment, may count as dead. Another one may have read its
   * shards before the new task was in them and removed it from the list, so it lists itself again. The other
   * one reads the shards once more after the removal, so one of the two notices.
   */
  async #rejoinIfRemoved(): Promise<void> {
    const { value: runners = [] } = await readCurrent<readonly string[]>(this.#store, RUNNERS)
    if (runners.includes(this.#options.id)) return
    this.#joined = undefined
    await this.#join()
  }

  /** A process without tasks gives no sign of life: there is nothing to take over. */
  async #showOrLeave(): Promise<void> {
    if (this.#shards.some(({ size }) => size > 0)) return this.#showLife()
    this.#joined = undefined
    await this.#store.delete(heartbeatKey(this.#options.id))
    // A task may have come meanwhile.
    if (this.#joined) await this.#showLife()
  }

  #schedule(ms: number): void {
    if (this.#left) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#tick(), ms)
    // A process that has nothing else to do may end: the others take over.
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  /** One heartbeat for all tasks of this process, and a look at its neighbours. */
  async #tick(): Promise<void> {
    let isQuiet = false
    try {
      if (this.#joined) await this.#showOrLeave()
      isQuiet = (await this.#lookAround()) === 0 && !this.#joined
    } catch {
      // The store is away: the next tick tries again.
    }
    const { lease } = this.#options
    const next = lease / SIGNS_PER_LEASE
    this.#pause = isQuiet ? Math.min(this.#pause * 2, lease * QUIET_LEASES) : next
    // Processes that start together do not look together.
    this.#schedule(this.#pause * (0.75 + Math.random() / 4))
  }

  /** How many other processes have tasks. */
  async #lookAround(): Promise<number> {
    const { value: runners = [] } = await readCurrent<readonly string[]>(this.#store, RUNNERS)
    const { id } = this.#options
    // It was taken for dead, as when the machine was asleep.
    if (this.#joined && !runners.includes(id)) this.#joined = this.#enter()
    const others = runners.filter((runner) => runner !== id).toSorted()
    const first = others.findIndex((runner) => runner > id)
    const after = first < 0 ? others : [...others.slice(first), ...others.slice(0, first)]
    for (const runner of after.slice(0, WATCHED)) {
      if (!(await this.isAlive(runner))) await this.#takeOver(runner)
    }
    return others.length
  }

  /** Its tasks are in this process's own shards before the other process is forgotten. */
  async #takeOver(runner: string): Promise<void> {
    const { engine, adopt } = this.#options
    const taken = await this.#tasksOf(runner)
    await Promise.all(taken.map((ref) => this.add(ref)))
    await updateRecord<readonly string[]>(engine.store, RUNNERS, ({ value = [] }) =>
      value.includes(runner)
        ? {
            value: value.filter((other) => other !== runner),
            expiresAt: engine.clock() + YEAR,
          }
        : undefined,
    )
    this.#sightings.delete(runner)
    // It may only have been slow, and have taken a task after its shards were read.
    const known = new Set(taken.map(({ id }) => id))
    const late = (await this.#tasksOf(runner)).filter(({ id }) => !known.has(id))
    await Promise.all(late.map((ref) => this.add(ref)))
    for (const ref of [...taken, ...late]) adopt(ref)
  }

  async #tasksOf(runner: string): Promise<TaskRef[]> {
    const refs: TaskRef[] = []
    for (let shard = 0; ; shard++) {
      const record = await this.#store.get<readonly TaskRef[]>(shardKey(runner, shard))
      if (!record) return refs
      refs.push(...record.value)
    }
  }

  /** Tasks that come while a shard is being written share the next write of it. */
  #save(shard: number): Promise<void> {
    const running = this.#writes.get(shard)
    if (running?.next) return running.next
    if (running) {
      running.next = running.now
        .catch(() => {})
        .then(() => {
          this.#writes.delete(shard)
          return this.#save(shard)
        })
      return running.next
    }
    const now = this.#write(shard)
    const entry = { now, next: undefined as Promise<void> | undefined }
    this.#writes.set(shard, entry)
    const done = () => {
      if (!entry.next) this.#writes.delete(shard)
    }
    now.then(done, done)
    return now
  }

  async #write(shard: number): Promise<void> {
    const { id, engine } = this.#options
    const refs = [...(this.#shards[shard]?.values() ?? [])]
    const expiresAt = engine.clock() + YEAR
    await this.#store.put(shardKey(id, shard), refs, { expiresAt })
    await this.#rejoinIfRemoved()
  }
}
