/** What earlier runs have recorded, by the names that the handler gives its operations. */
import type { JournalEntry } from './journal.ts'

export type OperationKind = 'step' | 'sleep' | 'question'

/** The identity of an operation: its kind and its name, and for a question the number of the try. */
export function operationOf(kind: OperationKind, name: string, n = 1): string {
  return `${kind} ${n} ${name}`
}

export class JournalIndex {
  /** Operations that have any entry, as `step name`. */
  readonly operations = new Set<string>()
  /** Numbers of the outcomes, in order. */
  readonly order: number[] = []
  /** Keys of the questions that were answered. */
  readonly answered: string[] = []
  readonly #outcomes = new Map<string, { readonly seq: number; readonly entry: JournalEntry }>()
  readonly #begun = new Map<string, JournalEntry>()

  constructor(entries: readonly JournalEntry[]) {
    entries.forEach((entry, i) => {
      if (entry.e === 'claim') return
      const [kind, n] = identify(entry)
      const id = operationOf(kind, entry.name, n)
      this.operations.add(`${kind} ${entry.name}`)
      if (entry.e === 'begun' || entry.e === 'sleep' || entry.e === 'ask') {
        this.#begun.set(id, entry)
        return
      }
      this.order.push(i + 1)
      this.#outcomes.set(id, { seq: i + 1, entry })
      if (entry.e === 'answer') this.answered.push(questionKey(entry.name, entry.n))
    })
  }

  outcomeOf(id: string) {
    return this.#outcomes.get(id)
  }

  /** The entry with which the operation began. */
  begunAs(id: string): JournalEntry | undefined {
    return this.#begun.get(id)
  }

  hasBegun(id: string): boolean {
    return this.#begun.has(id)
  }
}

function identify(entry: Exclude<JournalEntry, { e: 'claim' }>): [OperationKind, number] {
  if (entry.e === 'ask' || entry.e === 'answer') return ['question', entry.n]
  return [entry.e === 'sleep' || entry.e === 'woke' ? 'sleep' : 'step', 1]
}

/** The key of a question on the wire. A question that is asked again is another question there (A.8). */
export function questionKey(name: string, n: number): string {
  return n === 1 ? name : `${name} (${n})`
}
