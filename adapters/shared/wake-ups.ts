/** Waits for changes of a store whose engine announces them on channels. */
import type { StoreWatch } from '../../src/index.ts'

/**
 * Milliseconds after which a wait ends without a change. A wait is only a hint, so a lost announcement
 * delays its caller, but the caller never misses a change.
 */
const LONGEST_WAIT = 15_000

export interface WakeUpSource {
  /** The channel on which changes of a place are announced. */
  channelOf(watch: StoreWatch): string
  /** Resolves when announcements on the channel arrive from now on. */
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): void
  /** Whether one of the places has changed already. */
  hasChanged(watches: readonly StoreWatch[]): Promise<boolean>
}

/**
 * Milliseconds for which a subscription is kept after its last wait, because a caller that waits in a loop
 * comes back at once.
 */
const LINGER = 1_000

interface Subscription {
  ready: Promise<void>
  /** When the channel was subscribed to last: engines forget a subscription that is not renewed. */
  since: number
  /** Functions that end the waits. */
  readonly wake: Set<() => void>
  end: ReturnType<typeof setTimeout> | undefined
}

/** Shares one subscription between all waits of a process for the same channel. */
export class WakeUps {
  readonly #source: WakeUpSource
  readonly #waiting = new Map<string, Subscription>()

  constructor(source: WakeUpSource) {
    this.#source = source
  }

  /** Ends every wait for a channel. */
  announce(channel: string): void {
    for (const wake of [...(this.#waiting.get(channel)?.wake ?? [])]) wake()
  }

  /**
   * Ends every wait and forgets the subscriptions, after a lost connection: announcements may
   * have been missed meanwhile.
   */
  connectionLost(): void {
    for (const [channel, entry] of this.#waiting) {
      entry.since = Number.NEGATIVE_INFINITY
      this.announce(channel)
    }
  }

  /** Resolves at a change of one of the places, when the signal aborts, and after 15 s. Never rejects. */
  async wait(watches: readonly StoreWatch[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const channels = new Set(watches.map((watch) => this.#source.channelOf(watch)))
    let wake = () => {}
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const timer = setTimeout(wake, LONGEST_WAIT)
    signal.addEventListener('abort', wake)
    const ready = [...channels].map((channel) => this.#join(channel, wake))
    try {
      // A change between the caller's last read and the subscription was announced too early to be heard.
      const changed = Promise.all(ready).then(() => this.#source.hasChanged(watches))
      // If the engine cannot be reached, the wait lasts its full time. Otherwise its caller would loop without pause.
      const look = changed.catch(() => false).then((found) => (found ? undefined : woken))
      await Promise.race([woken, look])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      for (const channel of channels) this.#leave(channel, wake)
    }
  }

  #join(channel: string, wake: () => void): Promise<void> {
    let entry = this.#waiting.get(channel)
    const now = performance.now()
    if (!entry) {
      entry = { ready: this.#subscribe(channel), since: now, wake: new Set(), end: undefined }
      this.#waiting.set(channel, entry)
    } else if (now - entry.since > LONGEST_WAIT) {
      entry.ready = this.#subscribe(channel)
      entry.since = now
    }
    clearTimeout(entry.end)
    entry.wake.add(wake)
    return entry.ready
  }

  /** Subscribes to a channel. Only the waits report a failure, so it is not an unhandled rejection. */
  #subscribe(channel: string): Promise<void> {
    const ready = this.#source.subscribe(channel)
    ready.catch(() => this.#waiting.delete(channel))
    return ready
  }

  #leave(channel: string, wake: () => void): void {
    const entry = this.#waiting.get(channel)
    if (!entry?.wake.delete(wake) || entry.wake.size > 0) return
    entry.end = setTimeout(() => {
      if (this.#waiting.get(channel) !== entry) return
      this.#waiting.delete(channel)
      this.#source.unsubscribe(channel)
    }, LINGER)
    entry.end.unref()
  }
}
