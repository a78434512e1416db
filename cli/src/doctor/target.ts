/** The server under examination. It asks once for the facts that several checks need. */

import type { Tool } from '@modelcontextprotocol/client'
import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import { readArguments } from '../arguments.ts'
import { isObject } from '../json.ts'
import type { EndpointOptions, LegacySession } from './endpoint.ts'
import { Endpoint, resultOf } from './endpoint.ts'
import type { Exchange } from './exchange.ts'

export interface TargetOptions extends EndpointOptions {
  readonly now: () => number
  /** A call that takes a while and reports progress, for servers without the tool `multi-greet`. */
  readonly call?: CallWords | undefined
  /** The time for which the slow check watches an idle stream, in milliseconds. */
  readonly idleTime: number
}

export interface Call {
  readonly name: string
  readonly arguments: Record<string, unknown>
}

/** A call as the user typed it. The tool's schema gives the types of its arguments. */
export interface CallWords {
  readonly name: string
  readonly words: readonly string[]
}

export interface Metadata {
  readonly url: URL
  readonly answer: Exchange
}

export class Target extends Endpoint {
  readonly now: () => number
  readonly idleTime: number
  readonly #call: CallWords | undefined
  readonly #known = new Map<string, Promise<unknown>>()

  constructor(options: TargetOptions) {
    super(options)
    this.now = options.now
    this.idleTime = options.idleTime
    this.#call = options.call
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

  /** Whether the server refuses callers without a token, in any kind of request. */
  readonly guarded = (): Promise<boolean> =>
    this.#once('guarded', async () => {
      const tries = [await this.anonymousDiscover(), await this.anonymousList()]
      return tries.some(({ status }) => status === 401)
    })

  /** Asks for content without a token, which is also refused by servers whose `initialize` is public. */
  readonly anonymousList = (): Promise<Exchange> =>
    this.#once('list', () =>
      this.send({ anonymous: true, body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }),
    )

  /** Returns the reason why checks that need access cannot run, or undefined. */
  readonly closed = (): Promise<string | undefined> =>
    this.#once('closed', async () => {
      const { status } = await this.discover()
      if (status !== 401 && status !== 403) return undefined
      if (this.token !== undefined) return 'the server refuses the token at hand'
      const isStatic = await this.wantsStaticToken()
      return isStatic
        ? 'needs the token: set ACCESS_TOKEN'
        : 'needs a login: run `auth login` first'
    })

  /** The refusal of a caller without a token. */
  readonly challenge = (): Promise<Exchange | undefined> =>
    this.#once('challenge', async () => {
      const tries = [await this.anonymousDiscover(), await this.anonymousList()]
      return tries.find(({ status }) => status === 401)
    })

  /** The protected-resource metadata at each of its URLs (RFC 9728 section 3.1, D20). */
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

  /**
   * Whether the server wants a token of its operator, and not a login: its challenge names no metadata,
   * and there is none at the well-known URLs, so no issuer can be examined.
   */
  readonly wantsStaticToken = (): Promise<boolean> =>
    this.#once('static', async () => {
      const header = (await this.challenge())?.headers.get('www-authenticate') ?? ''
      if (!/^bearer\b/i.test(header) || /resource_metadata/i.test(header)) return false
      const { path, root } = await this.metadata()
      const issuer = await this.get(new URL('/.well-known/oauth-authorization-server', this.url))
      return [path.answer, root.answer, issuer].every(({ status }) => status === 404)
    })

  /** The first valid metadata document, in the order of the client's search. */
  readonly resource = async (): Promise<Record<string, unknown> | undefined> => {
    const { header, path, root } = await this.metadata()
    const found = [header, path, root].find(
      (place) => place?.answer.status === 200 && isObject(place.answer.json),
    )
    return found?.answer.json as Record<string, unknown> | undefined
  }

  /** The metadata of the first issuer that the server names (D21), and its URL. */
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

  /** The call to watch: the one that the user named, or this library's sample tool, which changes nothing. */
  async streamingCall(): Promise<Call | undefined> {
    const tools = await this.tools()
    if (this.#call !== undefined) {
      const { name, words } = this.#call
      const tool = tools.find((one) => one.name === name)
      const readInput = async (): Promise<string> => ''
      return { name, arguments: await readArguments(words, tool, { readInput }) }
    }
    const known = tools.some(({ name }) => name === 'multi-greet')
    return known ? { name: 'multi-greet', arguments: { name: 'doctor' } } : undefined
  }

  #once<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#known.get(name) ?? ask()
    this.#known.set(name, known)
    return known as Promise<T>
  }
}
