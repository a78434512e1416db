/** How keys, values and times are written into DynamoDB items, and what an item weighs. */

import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { JsonValue, StoreKey } from '../../src/index.ts'
import { ValueTooLarge } from '../../src/index.ts'
import { toKeyText } from '../shared/key-text.ts'

/** One item. Records have a `version`, batches of a log have their first sequence number in `sk`. */
export type Item = Record<string, AttributeValue>

export interface ItemKey {
  readonly pk: { S: string }
  readonly sk: { S: string }
}

// DynamoDB: "Partition keys and sort keys", in its page of constraints.
const LONGEST_PK = 2048
const LONGEST_SK = 1024

/** Digits of a sequence number in a sort key: those of the largest safe integer. */
const DIGITS = 16

/**
 * The sort key of an item: `r#<name>` for a record, `l#<name>#<first sequence number>` for a batch of a log.
 * `#` and `%` in names are escaped, so that the keys of one log never lie in the range of another.
 */
export function recordKey([partition, name]: StoreKey): ItemKey {
  return toItemKey(partition, `r#${toKeyText(name, LONGEST_SK - 2, '#')}`)
}

/** The beginning of the sort keys of all batches of a log; the digits follow. */
export function logPrefix([partition, name]: StoreKey): ItemKey {
  return toItemKey(partition, `l#${toKeyText(name, LONGEST_SK - 3 - DIGITS, '#')}#`)
}

export function batchKey({ pk, sk }: ItemKey, first: number): ItemKey {
  return { pk, sk: { S: sk.S + String(first).padStart(DIGITS, '0') } }
}

export function firstOf(item: Item): number {
  return Number(textOf(item, 'sk').slice(-DIGITS))
}

function toItemKey(partition: string, sk: string): ItemKey {
  return { pk: { S: toKeyText(partition, LONGEST_PK, '#') }, sk: { S: sk } }
}

/**
 * A value is one string of JSON, because DynamoDB's own maps and lists hold only 32 levels and 38 digits,
 * refuse lone surrogates, and are larger.
 */
export function toText(value: JsonValue | readonly JsonValue[]): AttributeValue.SMember {
  return { S: JSON.stringify(value) }
}

export function toNumber(value: number): AttributeValue.NMember {
  return { N: String(value) }
}

/** Rounds up to whole seconds, by which DynamoDB deletes, so that nothing is deleted too early. */
export function toTtl(expires: number): AttributeValue.NMember {
  return toNumber(Math.ceil(expires / 1000))
}

export function textOf(item: Item, attribute: string): string {
  const text = item[attribute]?.S
  if (text === undefined) throw foreign(attribute)
  return text
}

export function numberOf(item: Item, attribute: string): number {
  const digits = item[attribute]?.N
  if (digits === undefined) throw foreign(attribute)
  return Number(digits)
}

function foreign(attribute: string): Error {
  return new Error(`The DynamoDB table has an item without "${attribute}": it is not this store's`)
}

const ITEM_LIMIT = 400 * 1024

/** The largest number of bytes that a number can take, as DynamoDB documents it. */
const NUMBER_BYTES = 21

/** Throws {@link ValueTooLarge} for an item that is too large for DynamoDB, which counts names and values. */
export function requireSize(item: Item): void {
  let bytes = 0
  for (const [attribute, { S: text }] of Object.entries(item)) {
    bytes += attribute.length + (text === undefined ? NUMBER_BYTES : Buffer.byteLength(text))
  }
  if (bytes > ITEM_LIMIT) {
    throw new ValueTooLarge(`An item of ${bytes} bytes: DynamoDB holds at most ${ITEM_LIMIT}`)
  }
}
