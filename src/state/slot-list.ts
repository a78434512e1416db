/** Items in no order, to be passed piece by piece and sampled: a pass over all items of a large map takes long. */
export class SlotList<T extends { slot: number }> {
  readonly #items: T[] = []
  #next = 0

  get length(): number {
    return this.#items.length
  }

  /** Adds an item whose slot is this length, or puts it in the place of the item with the same slot. */
  put(item: T): void {
    this.#items[item.slot] = item
  }

  remove(item: T): void {
    const last = this.#items.pop()
    if (!last || last === item) return
    last.slot = item.slot
    this.#items[item.slot] = last
  }

  /** The item at which the pass is. It stays there until `advance`, so what takes the place of a removed item is not left out. */
  get current(): T | undefined {
    if (this.#next >= this.#items.length) this.#next = 0
    return this.#items[this.#next]
  }

  advance(): void {
    this.#next++
  }

  /** Some of the items, or all where there are at most `all`. */
  *sample(size: number, all: number): Generator<T> {
    if (this.#items.length <= all) {
      yield* this.#items
      return
    }
    for (let i = 0; i < size; i++) {
      const item = this.#items[Math.floor(Math.random() * this.#items.length)]
      if (item) yield item
    }
  }
}
