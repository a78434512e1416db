/** The endpoint under examination: sends requests of both eras as a client does, and keeps their sessions. */

import type { FetchLike } from '@modelcontextprotocol/client'
import { clientInfo } from '../connection.ts'
import { isObject } from '../json.ts'
import type { Exchange, ExchangeOptions } from './exchange.ts'
import { exchange } from './exchange.ts'

export const MODERN_VERSION = '2026-07-28'
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26'] as const

export interface EndpointOptions {
  readonly url: string
  readonly fetch: FetchLike
  /** A bearer token, if the user has one for this server. */
  readonly token?: string | undefined
  /** Aborts when the examination ends. */
  readonly signal: AbortSignal
}

export interface LegacySession {
  /** Undefined if the server has no sessions. */
  readonly id: string | undefined
  readonly version: string
  readonly capabilities: Record<string, unknown>
}

const ACCEPT = 'application/json, text/event-stream'

export class Endpoint {
  readonly url: URL
  readonly token: string | undefined
  readonly #fetch: FetchLike
  readonly #sessions: LegacySession[] = []

  constructor({ url, fetch, token, signal }: EndpointOptions) {
    this.url = new URL(url)
    this.token = token
    this.#fetch = (to, init) => {
      const signals = [signal, ...(init?.signal ? [init.signal] : [])]
      return fetch(to, { ...init, signal: AbortSignal.any(signals) })
    }
  }

  get isLocal(): boolean {
    return ['localhost', '127.0.0.1', '[::1]'].includes(this.url.hostname)
  }

  get(url: string | URL, options: ExchangeOptions = {}): Promise<Exchange> {
    return exchange(this.#fetch, url, options)
  }

  /** Sends a request to the endpoint, with the token unless `anonymous` is true. */
  send(options: ExchangeOptions & { readonly anonymous?: boolean } = {}): Promise<Exchange> {
    const { anonymous = false, headers, ...rest } = options
    return exchange(this.#fetch, this.url, {
      method: 'POST',
      ...rest,
      headers: {
        accept: ACCEPT,
        ...(rest.body !== undefined && { 'content-type': 'application/json' }),
        ...(!anonymous && this.token !== undefined && { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
    })
  }

  /** Sends a request of 2026-07-28. */
  modern(
    method: string,
    params: Record<string, unknown> = {},
    options: ExchangeOptions & { readonly anonymous?: boolean } = {},
  ): Promise<Exchange> {
    const name = params.name ?? params.uri
    return this.send({
      ...options,
      headers: {
        'mcp-protocol-version': MODERN_VERSION,
        'mcp-method': method,
        ...(typeof name === 'string' && { 'mcp-name': name }),
        ...options.headers,
      },
      body: {
        jsonrpc: '2.0',
        id: 1,
        method,
        params: {
          ...params,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
            'io.modelcontextprotocol/clientInfo': clientInfo,
            'io.modelcontextprotocol/clientCapabilities': {},
            'io.modelcontextprotocol/logLevel': 'debug',
            progressToken: 'doctor',
          },
        },
      },
    })
  }

  initialize(
    version: string,
    options: { readonly anonymous?: boolean; readonly headers?: Record<string, string> } = {},
  ): Promise<Exchange> {
    return this.send({
      ...options,
      body: {
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: { protocolVersion: version, capabilities: {}, clientInfo },
      },
    })
  }

  /** Sends a request within a session of 2025. */
  legacy(
    session: LegacySession,
    method: string,
    params: Record<string, unknown> = {},
    options: ExchangeOptions & { readonly id?: number | string } = {},
  ): Promise<Exchange> {
    const { id = 1, headers, ...rest } = options
    return this.send({
      ...rest,
      headers: { ...sessionHeaders(session), ...headers },
      body: { jsonrpc: '2.0', id, method, params },
    })
  }

  /** Opens a session, which ends with the examination. Resolves with undefined if the server has no sessions. */
  async openSession(version: string = LEGACY_VERSIONS[0]): Promise<LegacySession | undefined> {
    const answer = await this.initialize(version)
    const result = resultOf(answer)
    if (result === undefined || typeof result.protocolVersion !== 'string') return undefined
    const session: LegacySession = {
      id: answer.headers.get('mcp-session-id') ?? undefined,
      version: result.protocolVersion,
      capabilities: isObject(result.capabilities) ? result.capabilities : {},
    }
    this.#sessions.push(session)
    await this.send({
      headers: sessionHeaders(session),
      body: { jsonrpc: '2.0', method: 'notifications/initialized' },
    })
    return session
  }

  /** Also ends a session that was opened elsewhere, when the examination ends. */
  adopt(session: LegacySession): void {
    this.#sessions.push(session)
  }

  /** Ends every session that was opened. The server's answer does not matter any more. */
  async close(): Promise<void> {
    await Promise.allSettled(
      this.#sessions
        .filter(({ id }) => id !== undefined)
        .map((session) =>
          this.send({ method: 'DELETE', headers: sessionHeaders(session), timeout: 3_000 }),
        ),
    )
  }
}

export function sessionHeaders({ id, version }: LegacySession): Record<string, string> {
  return {
    ...(id !== undefined && { 'mcp-session-id': id }),
    // 2025-03-26 does not know this header (B43).
    ...(version !== '2025-03-26' && { 'mcp-protocol-version': version }),
  }
}

export function resultOf({ json }: Exchange): Record<string, unknown> | undefined {
  return isObject(json) && isObject(json.result) ? json.result : undefined
}

export function errorCodeOf({ json }: Exchange): number | undefined {
  const error = isObject(json) ? json.error : undefined
  return isObject(error) && typeof error.code === 'number' ? error.code : undefined
}
