/** Which connection of this process reads a stream: the newest one, as no message goes out on two (B27). */

export class StreamReaders {
  readonly #current = new Map<string, () => void>()

  /** Ends the stream's earlier reader. The returned function tells that this reader has ended. */
  take(stream: string, end: () => void): () => void {
    this.end(stream)
    this.#current.set(stream, end)
    return () => {
      if (this.#current.get(stream) === end) this.#current.delete(stream)
    }
  }

  end(stream: string): void {
    this.#current.get(stream)?.()
  }
}
