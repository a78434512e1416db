/** A client of the 2025 revisions: a session, requests of the server on streams, streams that can be resumed. */
import type { JsonObject } from '../json.ts'
import { isObject, objectOf, parseJson, textOf } from '../json.ts'
import { readEvents } from './events.ts'
import type { Recorded } from './http.ts'
import { HttpProblem, isStream, readText, send } from './http.ts'
import type { CallHooks, ClientHost, Connection, ServerInfo } from './protocol.ts'
import { CLIENT_INFO, LEGACY, LEGACY_CAPABILITIES, resultOf, toServerInfo } from './protocol.ts'

/** A stream that breaks off is resumed this many times without anything new on it. */
const MOST_RESUMPTIONS = 10

class LegacyConnection implements Connection {
  readonly era = LEGACY
  info: ServerInfo = toServerInfo({}, {}, LEGACY)
  readonly #host: ClientHost
  readonly #closing = new AbortController()
  #session: string | undefined
  #revision: string | undefined
  #lastId = 0

  constructor(host: ClientHost) {
    this.#host = host
  }

  async open(): Promise<void> {
    const params = {
      protocolVersion: LEGACY,
      capabilities: LEGACY_CAPABILITIES,
      clientInfo: CLIENT_INFO,
    }
    const result = await this.request('initialize', params)
    this.#revision = textOf(result.protocolVersion) ?? LEGACY
    this.info = toServerInfo(result.serverInfo, result, this.#revision)
    await this.#notify('notifications/initialized')
    if (isObject(this.info.capabilities.logging)) {
      await this.request('logging/setLevel', { level: 'debug' }).catch(() => {})
    }
  }

  async request(method: string, params: JsonObject, hooks: CallHooks = {}): Promise<JsonObject> {
    const id = ++this.#lastId
    const meta = { ...objectOf(params._meta), progressToken: id }
    const message = {
      jsonrpc: '2.0',
      id,
      method,
      params: hooks.onNotification ? { ...params, _meta: meta } : params,
    }
    const cancelled = () => {
      this.#notify('notifications/cancelled', { requestId: id, reason: 'by the user' }).catch(
        () => {},
      )
    }
    hooks.signal?.addEventListener('abort', cancelled)
    try {
      const sent = await this.#post(message, method, hooks.signal)
      if (method === 'initialize') {
        this.#session = sent.response.headers.get('mcp-session-id') ?? undefined
      }
      const answer = isStream(sent.response)
        ? await this.#readStream(sent, id, hooks)
        : parseJson(await readText(sent))
      if (!isObject(answer)) throw problemOf(sent.response, sent.record.body)
      return resultOf(answer)
    } finally {
      hooks.signal?.removeEventListener('abort', cancelled)
    }
  }

  listen(): void {
    this.#listen().catch(() => {})
  }

  close(): void {
    this.#closing.abort()
    if (this.#session === undefined) return
    const request = { title: 'DELETE', method: 'DELETE', url: this.#host.url } as const
    send({ ...request, headers: this.#headers() }, this.#host.onRecord)
      .then((sent) => readText(sent))
      .catch(() => {})
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closing
    for (let pause = 1_000; !signal.aborted; pause = Math.min(pause * 2, 60_000)) {
      const sent = await this.#get(undefined, signal)
      if (!isStream(sent.response)) {
        await readText(sent)
        return
      }
      await this.#readStream(sent, undefined, { signal }).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  #headers(): Record<string, string> {
    const token = this.#host.token()
    return {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(this.#session !== undefined && { 'Mcp-Session-Id': this.#session }),
      ...(this.#revision !== undefined && { 'MCP-Protocol-Version': this.#revision }),
    }
  }

  #post(message: JsonObject, title: string, signal?: AbortSignal): Promise<Recorded> {
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...this.#headers(),
    }
    const request = { title, method: 'POST', url: this.#host.url, signal } as const
    return send({ ...request, headers, body: JSON.stringify(message) }, this.#host.onRecord)
  }

  #get(lastEventId: string | undefined, signal?: AbortSignal): Promise<Recorded> {
    const headers = {
      Accept: 'text/event-stream',
      ...this.#headers(),
      ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }),
    }
    const title = lastEventId === undefined ? 'listen' : 'resume'
    return send({ title, method: 'GET', url: this.#host.url, headers, signal }, this.#host.onRecord)
  }

  async #notify(method: string, params?: JsonObject): Promise<void> {
    await readText(await this.#post({ jsonrpc: '2.0', method, ...(params && { params }) }, method))
  }

  /** Reads a stream up to the answer to a request, and resumes it where it breaks off. */
  async #readStream(first: Recorded, id: number | undefined, hooks: CallHooks): Promise<unknown> {
    let sent = first
    let lastEventId: string | undefined
    let retry = 1_000
    for (let attempts = 0; attempts < MOST_RESUMPTIONS; attempts++) {
      const { body } = sent.response
      if (!body || !isStream(sent.response)) throw problemOf(sent.response, await readText(sent))
      try {
        for await (const event of readEvents(body, sent.arrived)) {
          if (event.id !== undefined) lastEventId = event.id
          if (event.retry !== undefined) retry = Math.min(event.retry, 30_000)
          if (!event.data) continue
          attempts = 0
          const message = parseJson(event.data)
          if (!isObject(message)) continue
          if (typeof message.method === 'string') this.#receive(message.method, message, hooks)
          else if (message.id === id) return message
        }
      } catch (error) {
        if (hooks.signal?.aborted) throw error
      } finally {
        sent.ended()
      }
      if (lastEventId === undefined || hooks.signal?.aborted) break
      const pause = retry
      await new Promise((resolve) => setTimeout(resolve, pause))
      sent = await this.#get(lastEventId, hooks.signal)
    }
    throw new Error('The stream ended without an answer.')
  }

  #receive(method: string, message: JsonObject, hooks: CallHooks): void {
    const params = objectOf(message.params)
    if (!('id' in message)) {
      const told = hooks.onNotification ?? this.#host.onNotification
      told(method, params)
      return
    }
    this.#answer(method, message, hooks).catch(() => {})
  }

  async #answer(method: string, { id, params }: JsonObject, hooks: CallHooks): Promise<void> {
    const reply: { jsonrpc: '2.0'; id: unknown; result?: unknown; error?: unknown } = {
      jsonrpc: '2.0',
      id,
    }
    try {
      const ask = hooks.ask ?? this.#host.ask
      reply.result =
        method === 'ping' ? {} : await ask({ method, params: objectOf(params) }, hooks.signal)
    } catch (error) {
      if (hooks.signal?.aborted) return
      reply.error = { code: -32603, message: error instanceof Error ? error.message : 'failed' }
    }
    await readText(await this.#post(reply, 'answer'))
  }
}

export async function openLegacy(host: ClientHost): Promise<Connection> {
  const connection = new LegacyConnection(host)
  await connection.open()
  return connection
}

/** What a response says that holds no message. */
export function problemOf(response: Response, body: string): HttpProblem {
  const error = objectOf(objectOf(parseJson(body)).error)
  const why = textOf(error.message) ?? (body.slice(0, 300) || response.statusText)
  const challenge = response.headers.get('www-authenticate') ?? undefined
  return new HttpProblem(response.status, why, challenge)
}
