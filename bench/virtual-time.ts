/** Time that jumps from one timer to the next, for simulations of minutes within seconds. */

interface Timer {
  readonly at: number
  readonly run: () => void
}

const immediate = setImmediate

/** Replaces the timers of this process until it is closed. Other code of the process must not run meanwhile. */
export class VirtualTime {
  readonly #real = { setTimeout, clearTimeout, setInterval, clearInterval, now: performance.now }
  readonly #timers = new Map<number, Timer>()
  readonly #start: number
  #elapsed = 0
  #lastId = 0

  constructor(start = 1_790_000_000_000) {
    this.#start = start
    const set = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      this.#set(() => run(...args), ms)
    const every = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      const again = () => {
        this.#timers.set(handle.id, { at: this.#elapsed + Math.max(1, ms), run: again })
        run(...args)
      }
      const handle = this.#set(again, ms)
      return handle
    }
    const clear = (handle: unknown) => {
      if (handle instanceof Handle) this.#timers.delete(handle.id)
    }
    Object.assign(globalThis, {
      setTimeout: set,
      clearTimeout: clear,
      setInterval: every,
      clearInterval: clear,
    })
    performance.now = () => this.#elapsed
  }

  /** Epoch milliseconds. */
  readonly clock = (): number => this.#start + this.#elapsed

  /** Lets this time pass: each timer runs at its moment, and what it starts runs to its next timer. */
  async pass(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    for (;;) {
      await settled()
      const next = this.#earliest()
      if (!next || next[1].at > end) break
      const [id, { at, run }] = next
      this.#timers.delete(id)
      this.#elapsed = Math.max(this.#elapsed, at)
      run()
    }
    this.#elapsed = end
  }

  /** Runs something that needs time to pass. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let done = false
    const end = () => {
      done = true
    }
    promise.then(end, end)
    for (let steps = 0; !done; steps++) {
      if (steps > 10_000) throw new Error('Nothing happens any more')
      await this.pass(10)
    }
    return promise
  }

  close(): void {
    const { now, ...timers } = this.#real
    Object.assign(globalThis, timers)
    performance.now = now
  }

  #set(run: () => void, ms: number): Handle {
    const handle = new Handle(++this.#lastId)
    this.#timers.set(handle.id, { at: this.#elapsed + Math.max(1, ms), run })
    return handle
  }

  #earliest(): [number, Timer] | undefined {
    let found: [number, Timer] | undefined
    for (const entry of this.#timers) if (!found || entry[1].at < found[1].at) found = entry
    return found
  }
}

/** What `setTimeout` of Node returns. */
class Handle {
  readonly id: number

  constructor(id: number) {
    this.id = id
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

/** Resolves when what has begun waits for a timer. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => immediate(resolve))
}
