/** The HTTP side of a remote server: which headers it gets, and what its answers mean. */

import type { Context, MaybePromise } from '../../src/index.ts'
import { failure } from '../../src/index.ts'

/** Options of the connection to a remote server. */
export interface UpstreamOptions {
  /**
   * Headers for the remote server, such as its `authorization`. Nothing else of a caller's request reaches
   * it. A function gets the `ctx` of the call, and undefined for lists, which are the same for all callers.
   *
   * @example headers: { authorization: `Bearer ${token}` }
   */
  headers?: Record<string, string> | ((ctx?: Context) => MaybePromise<Record<string, string>>)
  /** Milliseconds of silence after which a request fails. A person who is asked has more time. @default 60 seconds */
  timeout?: number
  /** The era of the remote server. @default it is asked at the start */
  era?: 'legacy' | 'modern'
  /** Sends the requests. @default the global `fetch` */
  fetch?: typeof fetch
}

/** A remote server, as its connections reach it. */
export class Upstream {
  readonly url: string
  readonly timeout: number
  readonly #headers: UpstreamOptions['headers']
  readonly #fetch: typeof fetch

  constructor(url: string | URL, options: UpstreamOptions) {
    const { protocol, username } = new URL(url)
    if (protocol !== 'https:' && protocol !== 'http:') {
      throw new TypeError(`proxy(mcp, url): ${protocol} is neither https: nor http:`)
    }
    if (username) throw new TypeError('proxy(mcp, url): credentials belong into options.headers')
    this.url = String(url)
    this.timeout = options.timeout ?? 60_000
    this.#headers = options.headers
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init))
  }

  /** The author's headers for a call. */
  async headersFor(ctx: Context | undefined): Promise<Record<string, string>> {
    const given = typeof this.#headers === 'function' ? await this.#headers(ctx) : this.#headers
    return { ...given }
  }

  /**
   * Sends one request. A redirection is an error, because it could carry the headers to another host. A
   * server that cannot be reached is a failure of the call, in words without an address.
   */
  async send(
    method: 'POST' | 'GET' | 'DELETE',
    headers: Record<string, string>,
    signal: AbortSignal,
    message?: object,
  ): Promise<Response> {
    try {
      return await this.#fetch(this.url, {
        method,
        redirect: 'error',
        signal,
        headers: {
          ...headers,
          accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
          ...(message && { 'content-type': 'application/json' }),
        },
        ...(message && { body: JSON.stringify(message) }),
      })
    } catch {
      if (signal.aborted) throw signal.reason
      throw failure('The remote server cannot be reached')
    }
  }
}

/** An answer that is neither a result nor an error of the protocol. Its text is only logged. */
export async function refusal(response: Response): Promise<Error> {
  await response.body?.cancel()
  return new Error(`The remote server answered with status ${response.status}`)
}

/** A limit on silence, which ends a request unless something arrives or a person is asked. */
export class SilenceLimit {
  readonly controller = new AbortController()
  readonly #time: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #holds = 0

  constructor(time: number) {
    this.#time = time
    this.restart()
  }

  /** Something has arrived. */
  restart(): void {
    clearTimeout(this.#timer)
    if (this.#holds > 0) return
    const seconds = this.#time / 1000
    this.#timer = setTimeout(() => {
      this.controller.abort(failure(`The remote server was silent for ${seconds} seconds`))
    }, this.#time)
  }

  /** Runs a function that may take as long as it needs. */
  async hold<T>(run: () => Promise<T>): Promise<T> {
    this.#holds++
    clearTimeout(this.#timer)
    try {
      return await run()
    } finally {
      this.#holds--
      this.restart()
    }
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#holds = 1
  }
}
