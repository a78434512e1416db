/** A document of an issuer, kept in memory: all callers share one fetch, and an outage of the issuer does not stop them. */

import { AuthUnavailable } from './auth.ts'

/** How documents of an issuer are fetched and kept. Durations are milliseconds. */
export interface RemoteOptions {
  /** @default globalThis.fetch */
  fetch?: typeof globalThis.fetch
  /** @default Date.now */
  clock?: () => number
  /** A request that takes longer is aborted and counts as failed. @default 5000 */
  timeout?: number
  /** Least time between two successful requests for the same document. @default 30000 */
  cooldown?: number
  /**
   * A document older than this is renewed. A caller waits for the renewal for 250 ms at most, then
   * the older document is used and the renewal goes on in the background.
   * @default 600000
   */
  maxAge?: number
  /** A document of this age is no longer used, even while the issuer cannot be reached. @default 3600000 */
  maxStale?: number
}

export interface RemoteDocument<T> {
  /** Returns the document, and fetches or renews it when it is due. Throws {@link AuthUnavailable} when no usable one exists. */
  current(): Promise<T>
  /**
   * Returns a fresh document, for a caller that does not find a key in the current one. Fetches at
   * most once per cooldown. Throws {@link AuthUnavailable} when the last attempt failed, because the
   * missing key may exist.
   */
  renewed(): Promise<T>
}

/** Least milliseconds between a failed attempt and the next one: short, so that an outage is over soon after it ends. */
const RETRY_DELAY = 5_000

/**
 * Milliseconds that a caller waits for a renewal while a usable document is at hand. A healthy
 * issuer answers within them, so that a withdrawn key is refused at once; an issuer that hangs
 * delays no caller for longer.
 */
const RENEWAL_GRACE = 250

/** Keeps one document of an issuer in memory. `load` fetches it and rejects when it cannot be had. */
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
  let lastAttempt: { at: number; error?: unknown } | undefined
  let renewal: { done: Promise<void>; grace: Promise<void> } | undefined

  // The absolute difference, because a clock that is set back must not make anything last longer.
  const since = (at: number) => Math.abs(clock() - at)

  const mayFetch = () => {
    if (renewal || !lastAttempt) return true
    const pause = lastAttempt.error === undefined ? cooldown : Math.min(cooldown, RETRY_DELAY)
    return since(lastAttempt.at) >= pause
  }

  const attempt = async () => {
    try {
      kept = { document: await load(), at: clock() }
      lastAttempt = { at: clock() }
    } catch (error) {
      lastAttempt = { at: clock(), error: error ?? 'unknown' }
    }
    renewal = undefined
  }

  /** Starts a fetch, or joins the one that runs. Neither of the two promises rejects. */
  const renew = () => {
    renewal ??= { done: attempt(), grace: delay(RENEWAL_GRACE) }
    return renewal
  }

  const unavailable = () => {
    const { error } = lastAttempt ?? {}
    return new AuthUnavailable('The authorization server cannot be reached.', {
      retryAfter: Math.ceil(Math.min(cooldown, RETRY_DELAY) / 1000),
      cause: error instanceof AuthUnavailable ? error.cause : error,
    })
  }

  return {
    async current() {
      const age = kept ? since(kept.at) : Number.POSITIVE_INFINITY
      if (age >= maxAge && mayFetch()) {
        const { done, grace } = renew()
        // A document that may still be used is used, and the renewal goes on in the background.
        await (age < maxStale ? Promise.race([done, grace]) : done)
      }
      if (!kept || since(kept.at) >= maxStale) throw unavailable()
      return kept.document
    },
    async renewed() {
      if (mayFetch()) await renew().done
      if (!kept || lastAttempt?.error !== undefined) throw unavailable()
      return kept.document
    },
  }
}

const delay = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Characters. Metadata and key sets are a few kilobytes long; anything larger is not one of them. */
const MAX_DOCUMENT_LENGTH = 512 * 1024

/**
 * Fetches a JSON object. Returns `undefined` when the address answers with anything else, and throws
 * when it does not answer. Redirects are not followed, so that keys come only from the address that
 * the configuration or the issuer's own metadata names.
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
  return readObject(response, MAX_DOCUMENT_LENGTH)
}

/** Reads a body as a JSON object. Returns `undefined` when it is longer than `maxLength` characters, or is not one. */
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
    // A body that is not JSON is not an object either.
  }
  return undefined
}
