/** A connection to a remote server of 2026: each request stands alone, and questions are answered in rounds. */

import type { Context } from '../../src/index.ts'
import { failure } from '../../src/index.ts'
import { ask, PendingCall, tell } from '../bridge/call.ts'
import type { Json, Message, OnNotification } from '../bridge/peer.ts'
import { isJson } from '../bridge/peer.ts'
import { received } from '../bridge/sse.ts'
import { INFO } from './legacy.ts'
import type { ParamHeaders } from './modern-headers.ts'
import { namedHeaders } from './modern-headers.ts'
import type { Upstream } from './upstream.ts'
import { refusal, SilenceLimit } from './upstream.ts'

const REVISION = '2026-07-28'
const META = 'io.modelcontextprotocol/'

/** Rounds of questions that one request may take. */
const MOST_ROUNDS = 10

/** The errors of 2026 come with these statuses, and with a message of JSON-RPC. */
const WITH_MESSAGE = new Set([400, 403, 404])

export class ModernConnection {
  readonly #upstream: Upstream
  readonly #headers: Record<string, string>
  readonly #onNotification: OnNotification
  readonly #paramHeaders: ParamHeaders
  #next = 0

  constructor(
    upstream: Upstream,
    headers: Record<string, string>,
    onNotification: OnNotification,
    paramHeaders: ParamHeaders,
  ) {
    this.#upstream = upstream
    this.#headers = headers
    this.#onNotification = onNotification
    this.#paramHeaders = paramHeaders
  }

  async capabilities(): Promise<Json> {
    const { capabilities, supportedVersions } = await this.request('server/discover', {})
    if (!Array.isArray(supportedVersions) || !supportedVersions.includes(REVISION)) {
      throw new Error(`The remote server does not speak ${REVISION}`)
    }
    return isJson(capabilities) ? capabilities : {}
  }

  async request(method: string, params: Json, ctx?: Context): Promise<Json> {
    let given = params
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const result = await this.#call(method, given, ctx)
      if (method === 'tools/list') this.#paramHeaders.learn(result.tools)
      if (result.resultType !== 'input_required') return withoutEnvelope(result)
      if (!ctx) throw new Error(`The remote server asks a question to answer ${method}`)
      const { requestState } = result
      const inputResponses = await answerAll(ctx, result.inputRequests)
      given = { ...params, inputResponses, ...(requestState !== undefined && { requestState }) }
    }
    throw failure(`The remote server asked in more than ${MOST_ROUNDS} rounds`)
  }

  /** Reads the changes of its lists until the stream ends. Returns false where it has no such stream. */
  async listen(signal: AbortSignal, onOpen: () => void): Promise<boolean> {
    const method = 'subscriptions/listen'
    const notifications = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
    }
    const response = await this.#send(this.#next++, method, { notifications }, undefined, signal)
    if (!response.ok || !response.headers.get('content-type')?.includes('event-stream')) {
      await response.body?.cancel()
      return false
    }
    onOpen()
    for await (const { message } of received(response)) {
      if (message?.method) this.#onNotification(message.method, message.params ?? {})
    }
    return true
  }

  async close(): Promise<void> {}

  #send(
    id: number,
    method: string,
    params: Json,
    ctx: Context | undefined,
    signal: AbortSignal,
  ): Promise<Response> {
    const _meta = {
      ...ctx?.request.trace,
      [`${META}protocolVersion`]: REVISION,
      [`${META}clientInfo`]: INFO,
      // The client of the call is the one that answers.
      [`${META}clientCapabilities`]: askable(ctx),
      ...(ctx && { [`${META}logLevel`]: 'debug', progressToken: id }),
    }
    const headers = {
      ...this.#headers,
      'mcp-protocol-version': REVISION,
      'mcp-method': method,
      ...namedHeaders(method, params),
      ...(method === 'tools/call' && this.#paramHeaders.of(params)),
    }
    const message = { jsonrpc: '2.0', id, method, params: { ...params, _meta } }
    return this.#upstream.send('POST', headers, signal, message)
  }

  async #call(method: string, params: Json, ctx: Context | undefined): Promise<Json> {
    const id = this.#next++
    const silence = new SilenceLimit(this.#upstream.timeout)
    // A closed connection cancels a request of 2026.
    const call = new PendingCall(ctx, () => {})
    const { signal } = silence.controller
    signal.addEventListener('abort', () => call.abandon(signal.reason))
    const send = async () => {
      const response = await this.#send(id, method, params, ctx, signal)
      const json = response.headers.get('content-type')?.includes('json')
      if (!response.ok && !(WITH_MESSAGE.has(response.status) && json)) {
        throw await refusal(response)
      }
      await this.#read(response, call, silence)
      return call.response
    }
    try {
      return await Promise.race([send(), call.response])
    } finally {
      silence.end()
      call.end({ jsonrpc: '2.0' })
      // A response may stand before the end of its stream.
      silence.controller.abort()
    }
  }

  async #read(response: Response, call: PendingCall, silence: SilenceLimit): Promise<void> {
    for await (const { message } of received(response)) {
      silence.restart()
      if (!message) continue
      const { method, params = {} }: Message = message
      if (method === undefined) {
        call.end(message)
        return
      }
      if (call.ctx) tell(call.ctx, method, params)
      this.#onNotification(method, params)
    }
    throw failure('The remote server ended the connection before it answered')
  }
}

/** The capabilities of the call's client by which a server may ask. */
function askable(ctx: Context | undefined): Json {
  const { elicitation, sampling, roots } = ctx?.request.capabilities ?? {}
  return {
    ...(elicitation && { elicitation }),
    ...(sampling && { sampling }),
    ...(roots && { roots }),
  }
}

/** All questions of a round, asked at once. */
async function answerAll(ctx: Context, requests: unknown): Promise<Json> {
  if (!isJson(requests)) return {}
  const answers = Object.entries(requests).map(async ([key, request]) => {
    const { method, params } = isJson(request) ? request : {}
    return [key, await ask(ctx, String(method), isJson(params) ? params : {})] as const
  })
  return Object.fromEntries(await Promise.all(answers))
}

/** Our own server writes these members of a result anew. */
function withoutEnvelope({
  resultType: _,
  ttlMs: _ttl,
  cacheScope: _scope,
  ...result
}: Json): Json {
  const { _meta, ...rest } = result
  if (!isJson(_meta)) return rest
  const { [`${META}serverInfo`]: _info, ...meta } = _meta
  return Object.keys(meta).length > 0 ? { ...rest, _meta: meta } : rest
}
