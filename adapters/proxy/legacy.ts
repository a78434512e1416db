/** A connection to a remote server of 2025: a session, and requests whose answers are bodies or streams. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../../src/index.ts'
import { failure } from '../../src/index.ts'
import { CLIENT_CAPABILITIES, PendingCall, tell } from '../bridge/call.ts'
import type { Json, Message, OnNotification } from '../bridge/peer.ts'
import { isJson } from '../bridge/peer.ts'
import { received } from '../bridge/sse.ts'
import type { Upstream } from './upstream.ts'
import { refusal, SilenceLimit } from './upstream.ts'

export const INFO = { name: 'streamable-mcp', version: '1' }

/** How often a stream is resumed without anything new. */
const MOST_RESUMES = 5
const RETRY = 1_000

interface Session {
  readonly id: string | undefined
  readonly revision: string
  readonly capabilities: Json
}

export class LegacyConnection {
  readonly #upstream: Upstream
  readonly #headers: Record<string, string>
  readonly #onNotification: OnNotification
  #session: Promise<Session> | undefined
  #next = 0

  constructor(upstream: Upstream, headers: Record<string, string>, onNotification: OnNotification) {
    this.#upstream = upstream
    this.#headers = headers
    this.#onNotification = onNotification
  }

  async capabilities(): Promise<Json> {
    return (await this.#open()).capabilities
  }

  /** A session that the remote server no longer knows is opened again: the request has not run. */
  async request(method: string, params: Json, ctx?: Context): Promise<Json> {
    const opened = this.#open()
    const session = await opened
    const outcome = await this.#call(session, method, params, ctx)
    if (outcome !== 'lost') return outcome
    const again = await this.#reopen(opened)
    const second = await this.#call(again, method, params, ctx)
    if (second === 'lost') throw failure('The remote server does not keep its sessions')
    return second
  }

  /** Reads what the server sends on its own until the stream ends. Returns false where it has no such stream. */
  async listen(signal: AbortSignal, onOpen: () => void): Promise<boolean> {
    const opened = this.#open()
    const response = await this.#upstream.send('GET', this.#headersOf(await opened), signal)
    if (response.status === 404 || response.status === 400) {
      await response.body?.cancel()
      await this.#reopen(opened)
      return true
    }
    if (!response.ok) {
      await response.body?.cancel()
      return false
    }
    onOpen()
    for await (const { message } of received(response)) {
      if (message?.method && message.id === undefined) {
        this.#onNotification(message.method, message.params ?? {})
      } else if (message?.method && message.id !== undefined) {
        const error = { code: -32_601, message: 'No client waits for this request' }
        const answer = message.method === 'ping' ? { result: {} } : { error }
        await this.#post(await opened, { jsonrpc: '2.0', id: message.id, ...answer })
      }
    }
    return true
  }

  /** Ends the session, as far as the server can be reached. */
  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined)
    this.#session = undefined
    if (session?.id === undefined) return
    const headers = this.#headersOf(session)
    const ended = this.#upstream.send('DELETE', headers, AbortSignal.timeout(2_000))
    await ended.then((response) => response.body?.cancel()).catch(() => {})
  }

  #headersOf(session: Session): Record<string, string> {
    return {
      ...this.#headers,
      'mcp-protocol-version': session.revision,
      ...(session.id !== undefined && { 'mcp-session-id': session.id }),
    }
  }

  #open(): Promise<Session> {
    if (this.#session) return this.#session
    const opened = this.#initialize()
    this.#session = opened
    opened.catch(() => {
      if (this.#session === opened) this.#session = undefined
    })
    return opened
  }

  #reopen(lost: Promise<Session>): Promise<Session> {
    if (this.#session === lost) this.#session = undefined
    return this.#open()
  }

  async #initialize(): Promise<Session> {
    const silence = new SilenceLimit(this.#upstream.timeout)
    try {
      const { signal } = silence.controller
      const response = await this.#upstream.send('POST', this.#headers, signal, {
        jsonrpc: '2.0',
        id: this.#next++,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: CLIENT_CAPABILITIES,
          clientInfo: INFO,
        },
      })
      if (!response.ok) throw await refusal(response)
      let result: Json | undefined
      for await (const { message } of received(response)) {
        if (message?.error) throw new Error(`The remote server refused: ${message.error.message}`)
        if (message?.result) result = message.result
      }
      if (!result) throw new Error('The remote server did not answer to initialize')
      const session = {
        id: response.headers.get('mcp-session-id') ?? undefined,
        revision: String(result.protocolVersion),
        capabilities: isJson(result.capabilities) ? result.capabilities : {},
      }
      await this.#post(session, { jsonrpc: '2.0', method: 'notifications/initialized' })
      return session
    } finally {
      silence.end()
    }
  }

  /** A notification, or an answer to a question. */
  async #post(session: Session, message: Message): Promise<void> {
    const signal = AbortSignal.timeout(this.#upstream.timeout)
    const response = await this.#upstream.send('POST', this.#headersOf(session), signal, message)
    await response.body?.cancel()
  }

  async #call(
    session: Session,
    method: string,
    params: Json,
    ctx: Context | undefined,
  ): Promise<Json | 'lost'> {
    const id = this.#next++
    const silence = new SilenceLimit(this.#upstream.timeout)
    const call = new PendingCall(ctx, (reason) => {
      const params = { requestId: id, reason }
      this.#post(session, { jsonrpc: '2.0', method: 'notifications/cancelled', params }).catch(
        () => {},
      )
    })
    const meta = ctx && { _meta: { ...ctx.request.trace, progressToken: id } }
    const message = { jsonrpc: '2.0', id, method, params: { ...params, ...meta } } as const
    const { signal } = silence.controller
    signal.addEventListener('abort', () => call.abandon(signal.reason))
    const send = async (): Promise<Json | 'lost'> => {
      const response = await this.#upstream.send('POST', this.#headersOf(session), signal, message)
      // Some servers answer an unknown session with 400.
      const { status } = response
      if (session.id !== undefined && (status === 404 || status === 400)) {
        await response.body?.cancel()
        return 'lost'
      }
      if (!response.ok) throw await refusal(response)
      await this.#read(session, response, call, silence)
      return call.response
    }
    try {
      // A call that ends does not wait for the connection.
      return await Promise.race([send(), call.response])
    } finally {
      silence.end()
      call.end({ jsonrpc: '2.0' })
      silence.controller.abort()
    }
  }

  /** Reads the stream of a call to its response, and resumes it where it breaks and can be resumed. */
  async #read(
    session: Session,
    first: Response,
    call: PendingCall,
    silence: SilenceLimit,
  ): Promise<void> {
    let last: string | undefined
    let retry = RETRY
    let response = first
    for (let resumes = 0; resumes <= MOST_RESUMES; resumes++) {
      try {
        for await (const event of received(response)) {
          silence.restart()
          if (event.retry !== undefined) retry = event.retry
          if (event.id) {
            last = event.id
            resumes = 0
          }
          if (event.message && this.#take(session, event.message, call, silence)) return
        }
      } catch (error) {
        if (last === undefined || silence.controller.signal.aborted) throw error
      }
      if (last === undefined) break
      await sleep(Math.min(retry, this.#upstream.timeout))
      const headers = { ...this.#headersOf(session), 'last-event-id': last }
      response = await this.#upstream.send('GET', headers, silence.controller.signal)
      if (!response.ok) throw await refusal(response)
    }
    throw failure('The remote server ended the connection before it answered')
  }

  /** Whether the message is the response. */
  #take(session: Session, message: Message, call: PendingCall, silence: SilenceLimit): boolean {
    const { method, id, params } = message
    if (method === undefined) {
      call.end(message)
      return true
    }
    if (id === undefined) {
      if (call.ctx) tell(call.ctx, method, params)
      this.#onNotification(method, params ?? {})
      return false
    }
    const answered = silence.hold(async () => {
      const answer = await call.answer(message)
      await this.#post(session, { jsonrpc: '2.0', id, ...answer })
    })
    answered.catch((error) => call.fail(error))
    return false
  }
}
