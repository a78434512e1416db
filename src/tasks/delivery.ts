/** Hands outcomes to a handler one by one, in the order of the journal, so that a replay makes the same choices. */
import { macrotask } from '../lib/macrotask.ts'

export class Delivery {
  /** Numbers of the outcomes that are not delivered, in order. */
  readonly #order: number[]
  /** Outcomes that the handler waits for, with the functions that hand them out. */
  readonly #ready = new Map<number, () => void>()
  /** Outcomes of this run that are being written. */
  readonly #writing = new Set<number>()
  readonly #onDelivery: () => void
  #busy = false
  #ended = false

  /** `recorded` are the numbers of the outcomes of earlier runs; `onDelivery` is called before each one. */
  constructor(recorded: readonly number[], onDelivery: () => void) {
    this.#order = [...recorded]
    this.#onDelivery = onDelivery
  }

  /** Whether something is about to be delivered. */
  get isBusy(): boolean {
    return this.#busy || this.#ready.size > 0
  }

  /** Announces an outcome of this run: what comes after it in the journal waits for it. */
  expect(seq: number): void {
    this.#order.push(seq)
    this.#writing.add(seq)
  }

  /** Resolves when all outcomes before this one are delivered, or the handler has not asked for them. */
  turnOf(seq: number): Promise<void> {
    return new Promise((resolve) => {
      this.#writing.delete(seq)
      this.#ready.set(seq, resolve)
      void this.#deliver()
    })
  }

  /** Delivers nothing more. */
  end(): void {
    this.#ended = true
  }

  /** Between two outcomes the handler runs until it waits again, as it did when they first came. */
  async #deliver(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    while (this.#ready.size > 0 && !this.#ended) {
      // The handler may ask for an earlier outcome only after some reactions of promises.
      if (this.#next() !== this.#order[0]) await macrotask()
      const seq = this.#next()
      if (seq === undefined || this.#ended) break
      this.#order.splice(this.#order.indexOf(seq), 1)
      const hand = this.#ready.get(seq)
      this.#ready.delete(seq)
      this.#onDelivery()
      hand?.()
      if (this.#order.length > 0) await macrotask()
    }
    this.#busy = false
  }

  /** The first outcome that is ready. None while one before it is being written. */
  #next(): number | undefined {
    for (const seq of this.#order) {
      if (this.#ready.has(seq)) return seq
      if (this.#writing.has(seq)) return undefined
    }
    return undefined
  }
}
