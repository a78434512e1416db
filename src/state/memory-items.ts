/** What the memory store holds, and the texts and numbers of it. */

export interface Item {
  readonly name: string
  /** JSON of a record, or of each entry of a log. As text, a caller cannot change it by reference. */
  value: string | string[]
  /** A record's version, or a log's last sequence number. */
  version: number
  expiresAt: number
  /** Characters of key and value. */
  length: number
  owner: Owner
  /** Place in the list of all items. */
  slot: number
  /** Number of the latest use. */
  used: number
}

/** What the items of one owner add up to. */
export interface Owner {
  readonly name: string
  items: number
  length: number
}

/** Half of the largest of the numbers. */
export function half(numbers: Iterable<number>): number {
  let most = 0
  for (const number of numbers) most = Math.max(most, number)
  return most / 2
}

/** The partition in a name that `toName` made. */
export function toPartition(name: string): string {
  const start = name.indexOf(' ') + 1
  return name.slice(start, start + Number.parseInt(name, 10))
}

/**
 * The same text in one piece. V8 keeps a text that was put together as a tree of its parts, which is a
 * third larger and slow to collect, until a character of it is read.
 */
export function whole(text: string): string {
  return Number.isNaN(text.charCodeAt(0)) ? '' : text
}
