/** The connections of the Redis engine, which are opened at the first use. Errors are translated. */
import { Socket } from 'node:net'
import type { Cluster, Redis } from 'ioredis'
import { StoreUnavailable, ValueTooLarge } from '../../src/index.ts'
import { requireTimeout, withRetries } from '../shared/retry.ts'
import type { Script } from './scripts.ts'

/** Which Redis or Valkey, and how to reach it: `url` or `client`. */
export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. */
  url?: string | undefined
  /** A client of your own instead, also of a cluster or of sentinels. It stays open when the store is closed. */
  client?: Redis | Cluster | undefined
  /**
   * Milliseconds after which an operation fails, all attempts and pauses included.
   * @default 10_000
   */
  timeout?: number | undefined
}

export interface Connection {
  /**
   * Runs a script on a key, and repeats it after a lost connection; `lostAnswer` then tells that an earlier
   * attempt may have been carried out.
   */
  run(
    script: Script,
    key: string,
    args: readonly string[],
  ): Promise<{ reply: unknown; lostAnswer: boolean }>
  /** The connection that receives announcements. */
  subscriber(): Promise<Redis | Cluster>
  close(): Promise<void>
}

const ENGINE = 'Redis'

/** Replies which mean that Redis cannot work at the moment and has changed nothing. */
const REFUSED_FOR_NOW =
  /^(LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|NOREPLICAS|OOM|MISCONF|ERR max number of clients)/
const WRONG_PASSWORD = /^(NOAUTH|WRONGPASS|NOPERM)/

/** Opens the connections at the first operation, so that a cold start does not wait for them. */
export function connect(options: RedisOptions): Connection {
  const { url, timeout = 10_000 } = options
  requireTimeout(timeout)
  if (!url && !options.client) throw new TypeError('redisStore needs a url or a client')
  if (url && !/^rediss?:\/\//.test(url)) {
    throw new TypeError('The url of redisStore begins with redis:// or rediss://')
  }
  let main: Promise<Redis | Cluster> | undefined
  let listening: Promise<Redis | Cluster> | undefined

  async function open(): Promise<Redis | Cluster> {
    if (options.client) return options.client
    const { Redis } = await loadClient()
    const client = new Redis(url ?? '', {
      // The store repeats operations itself: it knows which of them may be repeated.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: Math.ceil(timeout / 3),
      // A server that has become a replica refuses writes, so connect again, to the new primary.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      retryStrategy: (times) => Math.min(25 * 2 ** times, 1_000),
    })
    // Each operation reports its own failure. Without this listener ioredis would print every attempt.
    client.on('error', () => {})
    unrefSocket(client)
    return client
  }

  async function evaluate(
    client: Redis | Cluster,
    { sha, text }: Script,
    key: string,
    args: readonly string[],
  ) {
    try {
      return await client.evalsha(sha, 1, key, ...args)
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error
      return client.eval(text, 1, key, ...args)
    }
  }

  return {
    async run(script, key, args) {
      main ??= open()
      const client = await main
      let lostAnswer = false
      const reply = await withRetries({ timeout, engine: ENGINE, classify }, (mayBeDone) => {
        lostAnswer = mayBeDone
        return evaluate(client, script, key, args)
      })
      return { reply, lostAnswer }
    },
    async subscriber() {
      main ??= open()
      listening ??= main.then((client) => {
        const own = client.isCluster
          ? (client as Cluster).duplicate()
          : (client as Redis).duplicate()
        own.on('error', () => {})
        if (!own.isCluster) unrefSocket(own as Redis)
        return own
      })
      return listening
    },
    async close() {
      const own = options.client ? [listening] : [main, listening]
      for (const client of await Promise.all(own)) client?.disconnect()
    },
  }
}

/** Lets the process end although the connection is open. */
function unrefSocket(client: Redis): void {
  client.on('ready', () => {
    if (client.stream instanceof Socket) client.stream.unref()
  })
}

async function loadClient() {
  try {
    return await import('ioredis')
  } catch (cause) {
    throw new Error('The Redis store needs the package ioredis', { cause })
  }
}

function classify(error: unknown): 'refused' | 'unknown' | Error {
  const message = messageOf(error)
  if (REFUSED_FOR_NOW.test(message)) {
    // A server that is full or read-only does not recover within a call, so fail at once.
    if (/^(OOM|MISCONF)/.test(message)) {
      return new StoreUnavailable('Redis takes no writes at the moment', withCause(message))
    }
    return 'refused'
  }
  if (WRONG_PASSWORD.test(message)) {
    return new Error('Redis does not accept the user and password of its URL', withCause(message))
  }
  if (/invalid bulk length|proto-max-bulk-len|string exceeds maximum/.test(message)) {
    return new ValueTooLarge('Redis holds no value of this size', withCause(message))
  }
  if (error instanceof Error && error.name === 'ReplyError') {
    return new Error('Redis refused an operation of the store', withCause(message))
  }
  return 'unknown'
}

/** Keeps only the message, because ioredis adds the command with its keys and values to its errors. */
const withCause = (message: string) => ({ cause: new Error(message) })

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
