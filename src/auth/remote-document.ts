/** A document of the issuer's, kept in memory: fetched once for everybody, renewed with restraint, outlived by outages. */

import { AuthUnavailable } from './auth.ts'

/** How an issuer is asked. Durations are milliseconds. */
export interface RemoteOptions {
  /** @default globalThis.fetch */
  fetch?: typeof globalThis.fetch
  /** @default Date.now */
  clock?: () => number
  /** An answer that takes longer counts as none. @default 5000 */
  timeout?: number
  /** Least time between two requests for the same document, whoever asks for it. @default 30000 */
  cooldown?: number
  /** A document older than this is fetched again before it is used. @default 600000 */
  maxAge?: number
  /** While the issuer cannot be reached, a document up to this age goes on being used. @default 3600000 */
  maxStale?: number
}

export interface RemoteDocument<T> {
  /** The document, fetched if need be. Throws {@link AuthUnavailable} when there is none to use. */
  current(): Promise<T>
  /**
   * The document as it is now, for a caller who misses something in it. Fetches at most once per
   * cooldown. Throws {@link AuthUnavailable} when the last attempt failed: what is missed may well
   * be there.
   */
  renewed(): Promise<T>
}

/** After a failure the next attempt may come earlier than after a success, so that an outage ends soon after it ends. */
const retryDelay = 5_000

export function createRemoteDocument<T>(
  load: () => Promise<T>,
  options: RemoteOptions,
): RemoteDocument<T> {
  const {
    clock = Date.now,
    cooldown = 30_000,
    maxAge = 600_000,
    maxStale = Math.max(3_600_000, maxAge),
  } = options
  let kept: { document: T; at: number } | undefined
  let attempt: { at: number; error?: unknown } | undefined
  let pending: Promise<void> | undefined

  /** A clock may be set back: what then lies ahead is not to be waited for. */
  const since = (at: number) => Math.abs(clock() - at)

  const maySendAgain = () => {
    if (!attempt) return true
    const pause = attempt.error === undefined ? cooldown : Math.min(cooldown, retryDelay)
    return since(attempt.at) >= pause
  }

  /** One request at a time, shared by everybody who waits. Never rejects. */
  const fetchAgain = () => {
    pending ??= load()
      .then(
        (document) => {
          kept = { document, at: clock() }
          attempt = { at: clock() }
        },
        (error: unknown) => {
          attempt = { at: clock(), error: error ?? 'unknown' }
        },
      )
      .finally(() => {
        pending = undefined
      })
    return pending
  }

  const unavailable = () => {
    const { error } = attempt ?? {}
    return new AuthUnavailable('The authorization server cannot be reached.', {
      retryAfter: Math.ceil(Math.min(cooldown, retryDelay) / 1000),
      cause: error instanceof AuthUnavailable ? error.cause : error,
    })
  }

  return {
    async current() {
      if (!kept || since(kept.at) >= maxAge) {
        if (pending || maySendAgain()) await fetchAgain()
      }
      if (!kept || since(kept.at) >= maxStale) throw unavailable()
      return kept.document
    },
    async renewed() {
      if (pending || maySendAgain()) await fetchAgain()
      if (!kept || attempt?.error !== undefined) throw unavailable()
      return kept.document
    },
  }
}

/** Metadata and key sets are a few kilobytes; what is larger is something else. */
const maxLength = 512 * 1024

/**
 * The JSON object at an address; `undefined` when it answers with anything else. Throws when it does
 * not answer. Redirects are not followed: keys come from where configuration or the issuer's own
 * document says, from nowhere else.
 */
export async function fetchDocument(
  url: string,
  { fetch = globalThis.fetch, timeout = 5_000 }: RemoteOptions,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    return undefined
  }
  return readObject(response, maxLength)
}

/** The JSON object that a body of at most so many characters holds; `undefined` for any other body. */
export async function readObject(
  { body }: Request | Response,
  maxLength: number,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxLength) return undefined
  }
  try {
    const value: unknown = JSON.parse(text + decoder.decode())
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Not JSON is not an object either.
  }
  return undefined
}
