/**
 * The DynamoDB engine of the store: every instance of a server on one table.
 *
 * The table has the keys `pk` and `sk` (both strings) and its time to live on `ttl`. Every change is
 * one conditional write of one item: no transactions, indexes or streams, so any compatible engine
 * does. The credentials need `dynamodb:GetItem`, `PutItem`, `UpdateItem`, `DeleteItem` and `Query`.
 */

import { randomBytes } from 'node:crypto'
import type { QueryCommandOutput } from '@aws-sdk/client-dynamodb'
import type { JsonValue, Store, StoredEntry } from '../../src/index.ts'
import { StoreConflict, StoreUnavailable } from '../../src/index.ts'
import { ConditionFailed, connect } from './client.ts'
import type { Item, ItemKey } from './item.ts'
import {
  batchKey,
  firstOf,
  logPrefix,
  numberOf,
  recordKey,
  requireSize,
  textOf,
  toNumber,
  toText,
  toTtl,
} from './item.ts'
import { logTailCache } from './log-tail-cache.ts'
import type { DynamoOptions } from './options.ts'

export type { DynamoOptions } from './options.ts'
export { checkTable, createTable } from './table.ts'

/** Options of {@link dynamoStore}. */
export interface DynamoStoreOptions extends DynamoOptions {
  /** The current time in epoch milliseconds. @default Date.now */
  clock?: (() => number) | undefined
}

/** Entries of a log that were appended together, and that one item holds. */
interface Batch {
  first: number
  last: number
  values: readonly JsonValue[]
  expires: number
}

interface Range {
  from?: number | undefined
  to?: number | undefined
  backwards?: boolean
  limit?: number
}

/** The largest number of items that one query asks for. A larger one would meet DynamoDB's limit of a megabyte first. */
const LARGEST_LIMIT = 1000

/**
 * A new record's first version is the time in 1/2048 ms, which is higher than every version of an earlier
 * record of this name, unless that was written 2048 times in a millisecond. So a writer that read the
 * record before it was deleted cannot overwrite the new one. These are safe integers until the year 2109.
 */
const VERSIONS_PER_MS = 2048

/**
 * What the methods cost, in requests and in DynamoDB's units (strongly consistent reads):
 *
 * | method | requests | units |
 * | --- | --- | --- |
 * | `get` | 1 | 1 read per 4 KB, also when there is nothing; half of it without `consistent` |
 * | `put` | 1 | 1 write per KB of the larger of old and new, also on a conflict |
 * | `delete` | 1 | 1 write per KB, also when there is nothing |
 * | `append` | 1, or 2 where this instance does not know the end of the log | 1 write per KB; the second: 1 read per 4 KB of the last batch |
 * | `read` | 1 per MB, and 1 more where `after` is not known to end a batch | 1 read per 4 KB, also when there is nothing |
 *
 * An item weighs its JSON, its names and about 70 bytes. A write that got no answer is tried again, and
 * when the second try then finds its condition gone, one more read tells whether the first had done it.
 *
 * There is no `wait`, because DynamoDB cannot notify anyone. Polling a record, or a log without new
 * entries, is one request and one read unit: once a second that makes 2.6 million a month, about $0.33 on demand
 * in us-east-1.
 *
 * An entry of a log is readable until the latest `expiresAt` among its own and those before it, so that
 * a log loses its oldest entries first and has no holes. When the last one has gone, it starts at 1 again.
 */
export function dynamoStore(options: DynamoStoreOptions): Store {
  const { table, clock = Date.now } = options
  const { call, stats } = connect(options)
  const ends = logTailCache()

  const isLive = (item: Item) => numberOf(item, 'expires') > clock()

  async function load(key: ItemKey, consistent = true): Promise<Item | undefined> {
    const { Item } = await call('GetItem', {
      TableName: table,
      Key: { ...key },
      ConsistentRead: consistent,
    })
    return Item
  }

  /** Returns the batches of a log that have not expired and begin between `from` and `to`. */
  async function* batches(
    prefix: ItemKey,
    { from = 0, to = Number.MAX_SAFE_INTEGER, backwards = false, limit = Infinity }: Range,
  ): AsyncGenerator<Batch> {
    let start: QueryCommandOutput['LastEvaluatedKey']
    do {
      const { Items, LastEvaluatedKey } = await call('Query', {
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': prefix.pk,
          ':from': batchKey(prefix, from).sk,
          ':to': batchKey(prefix, to).sk,
        },
        ConsistentRead: true,
        ScanIndexForward: !backwards,
        ...(limit <= LARGEST_LIMIT && { Limit: limit }),
        ExclusiveStartKey: start,
      })
      for (const item of Items ?? []) if (isLive(item)) yield toBatch(item)
      start = LastEvaluatedKey
      // A second page is needed only when expired batches filled the first one, so ask for more items.
      limit *= 8
    } while (start)
  }

  /** Returns the last live batch that begins at or before `to`. */
  async function lastBatch(prefix: ItemKey, to?: number): Promise<Batch | undefined> {
    for await (const batch of batches(prefix, { to, backwards: true, limit: 1 })) return batch
    return undefined
  }

  return {
    stats,
    async get(key, { consistent } = {}) {
      const item = await load(recordKey(key), consistent)
      if (!item || !isLive(item)) return undefined
      return {
        value: JSON.parse(textOf(item, 'json')),
        version: numberOf(item, 'version'),
        expiresAt: numberOf(item, 'expires'),
      }
    },

    async put(key, value, { expiresAt, ifVersion }) {
      const at = recordKey(key)
      const now = clock()
      const content = toContent(value, expiresAt)
      requireSize({ ...at, ...content, version: toNumber(0) })
      try {
        const { Attributes } = await call('UpdateItem', {
          TableName: table,
          Key: { ...at },
          UpdateExpression:
            'SET json = :json, expires = :expires, #ttl = :ttl, writer = :writer, ' +
            'version = if_not_exists(version, :origin) + :one',
          ExpressionAttributeNames: { '#ttl': 'ttl' },
          ExpressionAttributeValues: {
            ':json': content.json,
            ':expires': content.expires,
            ':ttl': content.ttl,
            ':writer': content.writer,
            ':origin': toNumber(Math.floor(now) * VERSIONS_PER_MS),
            ':one': toNumber(1),
            ...(ifVersion !== undefined && { ':now': toNumber(now) }),
            ...(ifVersion && { ':version': toNumber(ifVersion) }),
          },
          ConditionExpression:
            ifVersion === undefined
              ? undefined
              : ifVersion === 0
                ? 'attribute_not_exists(pk) OR expires <= :now'
                : 'version = :version AND expires > :now',
          // DynamoDB would send the whole value back, so it is asked for only when the new version is not known.
          ReturnValues: ifVersion ? 'NONE' : 'UPDATED_NEW',
        })
        return ifVersion ? ifVersion + 1 : numberOf(Attributes ?? {}, 'version')
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error
        const item = error.unsure ? await load(at) : undefined
        const version = item && numberOf(item, 'version')
        if (item && version !== undefined && textOf(item, 'writer') === content.writer.S)
          return version
        // Another writer has changed the record since `ifVersion`, or it cannot be known which writer did.
        if (!error.unsure || (ifVersion && version === ifVersion + 1)) throw lostRace()
        throw outcomeUnknown()
      }
    },

    async delete(key) {
      try {
        await call('DeleteItem', {
          TableName: table,
          Key: { ...recordKey(key) },
          ConditionExpression: 'expires > :now',
          ExpressionAttributeValues: { ':now': toNumber(clock()) },
        })
        return true
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error
        if (error.unsure) throw outcomeUnknown()
        return false
      }
    },

    async append(log, after, entries, { expiresAt }) {
      const prefix = logPrefix(log)
      const at = batchKey(prefix, after + 1)
      const content = toContent(entries, expiresAt)
      requireSize({ ...at, ...content })

      const now = clock()
      const end = ends.at(prefix, after, now) ?? (await lastBatch(prefix))
      // If `after` is in the middle of a batch, no item has the key of the next number, so the condition
      // would hold and the number would be used twice. A log whose first batch has expired is not new.
      if (after !== (end?.last ?? 0)) throw lostRace()
      if (entries.length === 0) return after
      const expires = Math.max(expiresAt, end?.expires ?? 0)
      const last = after + entries.length
      try {
        await call('PutItem', {
          TableName: table,
          Item: { ...at, ...content, expires: toNumber(expires), ttl: toTtl(expires) },
          ConditionExpression: 'attribute_not_exists(pk) OR expires <= :now',
          ExpressionAttributeValues: { ':now': toNumber(now) },
        })
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error
        const found = error.unsure ? await load(at) : undefined
        if (!found || textOf(found, 'writer') !== content.writer.S) throw lostRace()
      }
      ends.note(prefix, { last, expires })
      return last
    },

    async read(log, after, limit = Infinity) {
      if (limit < 1) return []
      const prefix = logPrefix(log)
      const entries: StoredEntry[] = []
      let next = after + 1

      const take = (batch: Batch) => {
        if (entries.length === 0) next = Math.max(next, batch.first)
        for (const value of batch.values.slice(
          next - batch.first,
          next - batch.first + limit - entries.length,
        )) {
          entries.push({ seq: next, value })
          next += 1
        }
        if (next === batch.last + 1) ends.note(prefix, batch)
      }
      /** Returns the batch that holds `after + 1` in its middle, or that was written while a query ran. */
      const takeEarlier = async () => {
        const batch = await lastBatch(prefix, after + 1)
        if (batch && batch.last >= after) take(batch)
      }

      for await (const batch of batches(prefix, { from: after + 1, limit })) {
        if (entries.length === 0 && batch.first > next) await takeEarlier()
        // A query is not a snapshot, so the next call reads the entries that follow a gap.
        if (entries.length > 0 && batch.first > next) break
        take(batch)
        if (entries.length >= limit) break
      }
      if (entries.length === 0 && after > 0 && !ends.at(prefix, after, clock())) await takeEarlier()
      return entries
    },
  }
}

function toContent(value: JsonValue | readonly JsonValue[], expires: number) {
  return {
    json: toText(value),
    expires: toNumber(expires),
    ttl: toTtl(expires),
    // A writer whose first attempt got no answer recognizes its own item by this token.
    writer: { S: randomBytes(9).toString('base64url') },
  }
}

function toBatch(item: Item): Batch {
  const first = firstOf(item)
  const values: readonly JsonValue[] = JSON.parse(textOf(item, 'json'))
  return { first, last: first + values.length - 1, values, expires: numberOf(item, 'expires') }
}

const lostRace = () => new StoreConflict('Another writer was first')

const outcomeUnknown = () =>
  new StoreUnavailable('DynamoDB did not answer whether the write was done')
