/** The server under examination, and what several checks want to know of it, asked once. */

import { extractWWWAuthenticateParams, type FetchLike } from '@modelcontextprotocol/client'
import { clientInfo } from '../connection.ts'
import { type Exchange, type ExchangeOptions, exchange, isObject } from './exchange.ts'

export const modernVersion = '2026-07-28'
export const legacyVersions = ['2025-11-25', '2025-06-18', '2025-03-26'] as const

export interface SubjectOptions {
  readonly url: string
  readonly fetch: FetchLike
  /** A bearer token, where the user has one for this server. */
  readonly token?: string | undefined
  readonly now: () => number
  /** Ends the examination. */
  readonly signal: AbortSignal
  /** A call that takes a while and tells of it, for servers without `multi-greet`. */
  readonly call?: Call | undefined
  /** How long the slow check watches an idle stream, in milliseconds. */
  readonly idleTime: number
}

export interface Call {
  readonly name: string
  readonly arguments: Record<string, unknown>
}

export interface LegacySession {
  /** Absent where the server keeps no sessions. */
  readonly id: string | undefined
  readonly version: string
  readonly capabilities: Record<string, unknown>
}

export interface Tool {
  readonly name: string
  readonly inputSchema?: { readonly required?: readonly string[] }
}

export interface Metadata {
  readonly url: URL
  readonly answer: Exchange
}

const accept = 'application/json, text/event-stream'

export class Subject {
  readonly url: URL
  readonly token: string | undefined
  readonly now: () => number
  readonly idleTime: number
  readonly #call: Call | undefined
  readonly #fetch: FetchLike
  readonly #known = new Map<string, Promise<unknown>>()
  readonly #sessions: LegacySession[] = []

  constructor(options: SubjectOptions) {
    this.url = new URL(options.url)
    this.token = options.token
    this.now = options.now
    this.idleTime = options.idleTime
    this.#call = options.call
    this.#fetch = (url, init) => {
      const signals = [options.signal, ...(init?.signal ? [init.signal] : [])]
      return options.fetch(url, { ...init, signal: AbortSignal.any(signals) })
    }
  }

  get isLocal(): boolean {
    return ['localhost', '127.0.0.1', '[::1]'].includes(this.url.hostname)
  }

  get(url: string | URL, options: ExchangeOptions = {}): Promise<Exchange> {
    return exchange(this.#fetch, url, options)
  }

  /** A request to the endpoint, with the token unless `anonymous`. */
  send(options: ExchangeOptions & { readonly anonymous?: boolean } = {}): Promise<Exchange> {
    const { anonymous = false, headers, ...rest } = options
    return exchange(this.#fetch, this.url, {
      method: 'POST',
      ...rest,
      headers: {
        accept,
        ...(rest.body !== undefined && { 'content-type': 'application/json' }),
        ...(!anonymous && this.token !== undefined && { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
    })
  }

  /** A request of 2026-07-28. */
  modern(
    method: string,
    params: Record<string, unknown> = {},
    options: ExchangeOptions & { readonly anonymous?: boolean } = {},
  ): Promise<Exchange> {
    const name = params.name ?? params.uri
    return this.send({
      ...options,
      headers: {
        'mcp-protocol-version': modernVersion,
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
            'io.modelcontextprotocol/protocolVersion': modernVersion,
            'io.modelcontextprotocol/clientInfo': clientInfo,
            'io.modelcontextprotocol/clientCapabilities': {},
            'io.modelcontextprotocol/logLevel': 'debug',
            progressToken: 'doctor',
          },
        },
      },
    })
  }

  initialize(version: string, options: { readonly anonymous?: boolean } = {}): Promise<Exchange> {
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

  /** A request within a session of before 2026-07-28. */
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

  /** A session of its own, ended with the examination; nothing where the server offers none. */
  async openSession(version: string = legacyVersions[0]): Promise<LegacySession | undefined> {
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

  /** Ends every session that was opened; the server's answer no longer matters. */
  async close(): Promise<void> {
    await Promise.allSettled(
      this.#sessions
        .filter(({ id }) => id !== undefined)
        .map((session) =>
          this.send({ method: 'DELETE', headers: sessionHeaders(session), timeout: 3_000 }),
        ),
    )
  }

  /** `server/discover` without and with the token. */
  readonly anonymousDiscover = (): Promise<Exchange> =>
    this.#once('anonymous', () => this.modern('server/discover', {}, { anonymous: true }))
  readonly discover = (): Promise<Exchange> =>
    this.#once('discover', () =>
      this.token === undefined ? this.anonymousDiscover() : this.modern('server/discover'),
    )

  readonly session = (): Promise<LegacySession | undefined> =>
    this.#once('session', () => this.openSession())

  /** Whether the server refuses callers without a token, at any of the ways in. */
  readonly guarded = (): Promise<boolean> =>
    this.#once('guarded', async () => {
      const tries = [await this.anonymousDiscover(), await this.anonymousList()]
      return tries.some(({ status }) => status === 401)
    })

  /** A request for content without a token, which also a server with an open `initialize` refuses. */
  readonly anonymousList = (): Promise<Exchange> =>
    this.#once('list', () =>
      this.send({ anonymous: true, body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }),
    )

  /** Why the checks that need to get in cannot, or nothing. */
  readonly closed = (): Promise<string | undefined> =>
    this.#once('closed', async () => {
      const { status } = await this.discover()
      if (status !== 401 && status !== 403) return undefined
      return this.token === undefined
        ? 'needs a login: run `auth login` first'
        : 'the server refuses the token at hand'
    })

  /** The refusal of a caller without a token. */
  readonly challenge = (): Promise<Exchange | undefined> =>
    this.#once('challenge', async () => {
      const tries = [await this.anonymousDiscover(), await this.anonymousList()]
      return tries.find(({ status }) => status === 401)
    })

  /** Protected-resource metadata at each of its places (RFC 9728 section 3.1, spec.md D20). */
  readonly metadata = (): Promise<{ header?: Metadata; path: Metadata; root: Metadata }> =>
    this.#once('metadata', async () => {
      const read = async (url: URL): Promise<Metadata> => ({ url, answer: await this.get(url) })
      const wellKnown = '/.well-known/oauth-protected-resource'
      const challenge = await this.challenge()
      const named =
        challenge === undefined
          ? undefined
          : extractWWWAuthenticateParams(new Response(null, { headers: challenge.headers }))
              .resourceMetadataUrl
      const path = await read(new URL(wellKnown + this.url.pathname.replace(/\/$/, ''), this.url))
      return {
        ...(named !== undefined && { header: await read(named) }),
        path,
        root: this.url.pathname === '/' ? path : await read(new URL(wellKnown, this.url)),
      }
    })

  /** The first metadata document that is one, in the order in which clients look. */
  readonly resource = async (): Promise<Record<string, unknown> | undefined> => {
    const { header, path, root } = await this.metadata()
    const found = [header, path, root].find(
      (place) => place?.answer.status === 200 && isObject(place.answer.json),
    )
    return found?.answer.json as Record<string, unknown> | undefined
  }

  /** The metadata of the first issuer that the server names (spec.md D21), with where it was found. */
  readonly issuer = (): Promise<{ name: string; tried: URL[]; found?: Metadata } | undefined> =>
    this.#once('issuer', async () => {
      const servers = (await this.resource())?.authorization_servers
      const name: unknown = Array.isArray(servers) ? servers[0] : undefined
      if (typeof name !== 'string' || !URL.canParse(name)) return undefined
      const issuer = new URL(name)
      const path = issuer.pathname.replace(/\/$/, '')
      const places = [
        `/.well-known/oauth-authorization-server${path}`,
        `/.well-known/openid-configuration${path}`,
        ...(path === '' ? [] : [`${path}/.well-known/openid-configuration`]),
      ].map((place) => new URL(place, issuer))
      for (const url of places) {
        const answer = await this.get(url).catch(() => undefined)
        if (answer?.status === 200 && isObject(answer.json)) {
          return { name, tried: places, found: { url, answer } }
        }
      }
      return { name, tried: places }
    })

  readonly tools = (): Promise<readonly Tool[]> =>
    this.#once('tools', async () => {
      const session = await this.session()
      const answer =
        session === undefined
          ? await this.modern('tools/list')
          : await this.legacy(session, 'tools/list')
      const tools = resultOf(answer)?.tools
      return Array.isArray(tools) ? (tools as Tool[]) : []
    })

  /** A call to watch: what the user named, or the one of ours, which changes nothing. */
  async streamingCall(): Promise<Call | undefined> {
    if (this.#call !== undefined) return this.#call
    const known = (await this.tools()).some(({ name }) => name === 'multi-greet')
    return known ? { name: 'multi-greet', arguments: { name: 'doctor' } } : undefined
  }

  #once<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#known.get(name) ?? ask()
    this.#known.set(name, known)
    return known as Promise<T>
  }
}

export function sessionHeaders({ id, version }: LegacySession): Record<string, string> {
  return {
    ...(id !== undefined && { 'mcp-session-id': id }),
    // 2025-03-26 does not know this header (spec.md B43).
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
