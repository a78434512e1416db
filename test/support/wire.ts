/** MCP at the level of HTTP: tests write each request and see every event of a reply without changes. */
import { randomUUID } from 'node:crypto'
import type { Mcp, McpOptions } from '../../src/index.ts'

/** A server under test, in this process or elsewhere. */
export interface TestEndpoint {
  /** The URL of the endpoint. */
  readonly url: string
  readonly fetch: typeof fetch
  close(): Promise<void>
}

export type OpenEndpoint = (options?: Partial<McpOptions>) => Promise<TestEndpoint>

/** Returns an endpoint that calls the server's `fetch`. */
export function fetchEndpoint(mcp: Mcp): TestEndpoint {
  return {
    url: 'http://localhost/mcp',
    fetch: async (input, init) => mcp.fetch(new Request(input, init)),
    close: () => mcp.close({ grace: 0 }),
  }
}

/** A JSON-RPC message as it arrived. The test checks its content. */
export interface Message {
  jsonrpc?: string
  id?: string | number | null
  method?: string
  // biome-ignore lint/suspicious/noExplicitAny: a server under test may send anything, and tests say what they expect
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: a server under test may send anything, and tests say what they expect
  result?: any
  // biome-ignore lint/suspicious/noExplicitAny: a server under test may send anything, and tests say what they expect
  error?: { code: number; message: string; data?: any }
}

export interface SseEvent {
  id?: string
  data?: string
  retry?: number
  comment?: string
}

/** Yields the events of a stream, comments included, from pieces of any size (WHATWG HTML, section 9.2.6). */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    const blocks = rest.split(/\r?\n\r?\n/)
    rest = blocks.pop() ?? ''
    yield* blocks.map(parseEvent)
  }
}

function parseEvent(block: string): SseEvent {
  const event: SseEvent = {}
  for (const line of block.split(/\r\n|\r|\n/)) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (field === '') event.comment = value
    else if (field === 'data')
      event.data = event.data === undefined ? value : `${event.data}\n${value}`
    else if (field === 'id') event.id = value
    else if (field === 'retry') event.retry = Number(value)
  }
  return event
}

/** An HTTP response, of which a test reads as much as it needs. */
export class Reply {
  readonly response: Response
  /** All events so far. */
  readonly events: SseEvent[] = []
  readonly messages: Message[] = []
  readonly #leave: AbortController
  #reading: AsyncGenerator<Message> | undefined

  constructor(response: Response, leave: AbortController) {
    this.response = response
    this.#leave = leave
  }

  get status(): number {
    return this.response.status
  }

  get streams(): boolean {
    return this.response.headers.get('content-type') === 'text/event-stream'
  }

  header(name: string): string | null {
    return this.response.headers.get(name)
  }

  /** Reads the next message; undefined at the end. */
  async next(): Promise<Message | undefined> {
    this.#reading ??= this.#read()
    const { value, done } = await this.#reading.next()
    if (done) return undefined
    this.messages.push(value)
    return value
  }

  /** Reads up to the next message that matches. Throws when the reply ends before it. */
  async find(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const message = await this.next()
      if (!message) throw new Error(`No such message among ${JSON.stringify(this.messages)}`)
      if (fits(message)) return message
    }
  }

  notification(method: string): Promise<Message> {
    return this.find((message) => message.method === method && !('id' in message))
  }

  /** Reads the answer to the request: the only message with a result or an error. */
  answer(): Promise<Message> {
    return this.find((message) => 'result' in message || 'error' in message)
  }

  // biome-ignore lint/suspicious/noExplicitAny: results differ by method
  async result(): Promise<any> {
    const answer = await this.answer()
    if (answer.error) throw new Error(`Answered with an error: ${JSON.stringify(answer.error)}`)
    return answer.result
  }

  /** Reads the rest of the reply. */
  async rest(): Promise<Message[]> {
    while (await this.next()) {}
    return this.messages
  }

  /** Closes the connection, as a client that leaves. */
  async leave(): Promise<void> {
    this.#leave.abort()
    await this.#reading?.return(undefined).catch(() => {})
    // A body that is complete or was aborted cannot be cancelled any more.
    await this.response.body?.cancel().catch(() => {})
  }

  async *#read(): AsyncGenerator<Message> {
    const { body } = this.response
    if (!body) return
    if (!this.streams) {
      const text = await this.response.text()
      if (text) yield* flattened(JSON.parse(text))
      return
    }
    for await (const event of readEvents(body)) {
      this.events.push(event)
      if (event.data) yield* flattened(JSON.parse(event.data))
    }
  }
}

function flattened(value: Message | Message[]): Message[] {
  return Array.isArray(value) ? value : [value]
}

interface Sending {
  headers?: Record<string, string | undefined>
  accept?: string
  /** The id of the JSON-RPC request. */
  id?: unknown
}

export const BOTH = 'application/json, text/event-stream'

async function send(
  endpoint: TestEndpoint,
  method: string,
  headers: Record<string, string | undefined>,
  body?: string | Uint8Array<ArrayBuffer>,
): Promise<Reply> {
  const leave = new AbortController()
  const given = Object.entries(headers).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const response = await endpoint.fetch(endpoint.url, {
    method,
    headers: given,
    signal: leave.signal,
    ...(body !== undefined && { body }),
  })
  return new Reply(response, leave)
}

/** Sends any body, by default with the headers of a JSON POST. */
export function post(
  endpoint: TestEndpoint,
  body: unknown,
  headers: Record<string, string | undefined> = {},
): Promise<Reply> {
  const text =
    typeof body === 'string' || body instanceof Uint8Array
      ? (body as string | Uint8Array<ArrayBuffer>)
      : JSON.stringify(body)
  return send(
    endpoint,
    'POST',
    { 'content-type': 'application/json', accept: BOTH, ...headers },
    text,
  )
}

export type LegacyRevision = '2025-03-26' | '2025-06-18' | '2025-11-25'
export type Capabilities = Record<string, unknown>

/** The operations that clients of both eras have. */
export abstract class WireClient {
  abstract readonly revision: string
  abstract request(method: string, params?: object, sending?: Sending): Promise<Reply>
  /**
   * Makes a call to its end, and answers each question with the function, in the way of the era. An
   * answer of undefined becomes an error response in 2025, and no answer in 2026.
   */
  abstract converse(
    method: string,
    params: object,
    answer: (question: Message) => object | undefined,
  ): Promise<Conversation>

  call(
    name: string,
    args: object = {},
    { meta, ...sending }: Sending & { meta?: object } = {},
  ): Promise<Reply> {
    const params = { name, arguments: args, ...(meta && { _meta: meta }) }
    return this.request('tools/call', params, sending)
  }
}

export interface Conversation {
  answer: Message
  /** The messages in the order of their arrival. */
  questions: Message[]
}

export interface ClientOptions {
  capabilities?: Capabilities
  accept?: string
  headers?: Record<string, string>
}

let lastId = 0

export class LegacyClient extends WireClient {
  readonly endpoint: TestEndpoint
  readonly revision: LegacyRevision
  readonly sessionId: string
  /** The result of `initialize`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests check its content
  readonly server: any
  readonly #options: ClientOptions

  private constructor(
    endpoint: TestEndpoint,
    revision: LegacyRevision,
    sessionId: string,
    server: unknown,
    options: ClientOptions,
  ) {
    super()
    this.endpoint = endpoint
    this.revision = revision
    this.sessionId = sessionId
    this.server = server
    this.#options = options
  }

  static async open(
    endpoint: TestEndpoint,
    revision: LegacyRevision,
    options: ClientOptions = {},
  ): Promise<LegacyClient> {
    const { capabilities = {}, accept = BOTH, headers = {} } = options
    const clientInfo = { name: 'wire', version: '1' }
    const params = { protocolVersion: revision, capabilities, clientInfo }
    const body = { jsonrpc: '2.0', id: ++lastId, method: 'initialize', params }
    const reply = await post(endpoint, body, { accept, ...headers })
    const server = await reply.result()
    const sessionId = reply.header('mcp-session-id') ?? ''
    const client = new LegacyClient(endpoint, revision, sessionId, server, options)
    await client.notify('notifications/initialized')
    return client
  }

  /** The headers of every request of the session. */
  get headers(): Record<string, string> {
    return {
      'mcp-session-id': this.sessionId,
      // The header exists since 2025-06-18 (B43).
      ...(this.revision > '2025-03-26' && { 'mcp-protocol-version': this.revision }),
      ...this.#options.headers,
    }
  }

  send(body: unknown, { headers, accept }: Sending = {}): Promise<Reply> {
    return post(this.endpoint, body, {
      accept: accept ?? this.#options.accept ?? BOTH,
      ...this.headers,
      ...headers,
    })
  }

  request(method: string, params?: object, sending?: Sending): Promise<Reply> {
    const { id = ++lastId } = sending ?? {}
    return this.send({ jsonrpc: '2.0', id, method, ...(params && { params }) }, sending)
  }

  notify(method: string, params?: object): Promise<Reply> {
    return this.send({ jsonrpc: '2.0', method, ...(params && { params }) })
  }

  respond(id: unknown, answer: { result: object } | { error: object }): Promise<Reply> {
    return this.send({ jsonrpc: '2.0', id, ...answer })
  }

  async converse(
    method: string,
    params: object,
    answer: (question: Message) => object | undefined,
  ): Promise<Conversation> {
    const reply = await this.request(method, params)
    const questions: Message[] = []
    for (;;) {
      const message = await reply.next()
      if (!message) throw new Error(`No answer among ${JSON.stringify(reply.messages)}`)
      if ('result' in message || 'error' in message) {
        return { answer: message, questions }
      }
      if (!('id' in message)) continue
      questions.push(message)
      const result = answer(message)
      const refused = { error: { code: -1, message: 'User rejected' } }
      await this.respond(message.id, result ? { result } : refused)
    }
  }

  /** Sends a GET: opens the server's own stream, or resumes a stream after an event. */
  get(lastEventId?: string, headers: Record<string, string> = {}): Promise<Reply> {
    return send(this.endpoint, 'GET', {
      accept: 'text/event-stream',
      ...this.headers,
      ...headers,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    })
  }

  delete(headers: Record<string, string> = {}): Promise<Reply> {
    return send(this.endpoint, 'DELETE', { ...this.headers, ...headers })
  }
}

const META = 'io.modelcontextprotocol'

export class ModernClient extends WireClient {
  readonly revision = '2026-07-28'
  readonly endpoint: TestEndpoint
  readonly #options: ClientOptions & { logLevel?: string }

  constructor(endpoint: TestEndpoint, options: ClientOptions & { logLevel?: string } = {}) {
    super()
    this.endpoint = endpoint
    this.#options = options
  }

  /** The members of `_meta` that every request carries. */
  envelope(): Record<string, unknown> {
    const { capabilities = {}, logLevel } = this.#options
    return {
      [`${META}/protocolVersion`]: this.revision,
      [`${META}/clientCapabilities`]: capabilities,
      [`${META}/clientInfo`]: { name: 'wire', version: '1' },
      ...(logLevel && { [`${META}/logLevel`]: logLevel }),
    }
  }

  request(
    method: string,
    params: Record<string, unknown> = {},
    { headers, accept, id = ++lastId }: Sending = {},
  ): Promise<Reply> {
    const name = method === 'resources/read' ? params.uri : params.name
    const named = ['tools/call', 'prompts/get', 'resources/read'].includes(method)
    const meta = { ...this.envelope(), ...(params._meta as object | undefined) }
    const body = { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }
    return post(this.endpoint, body, {
      accept: accept ?? this.#options.accept ?? BOTH,
      'mcp-protocol-version': this.revision,
      'mcp-method': method,
      ...(named && typeof name === 'string' && { 'mcp-name': headerValue(name) }),
      ...this.#options.headers,
      ...headers,
    })
  }

  async converse(
    method: string,
    params: object,
    answer: (question: Message) => object | undefined,
  ): Promise<Conversation> {
    const questions: Message[] = []
    let more: object = {}
    for (;;) {
      const reply = await this.request(method, { ...params, ...more })
      const message = await reply.answer()
      if (message.result?.resultType !== 'input_required') return { answer: message, questions }
      const { inputRequests, requestState } = message.result
      const inputResponses: Record<string, object | undefined> = {}
      for (const [key, question] of Object.entries<Message>(inputRequests)) {
        questions.push(question)
        inputResponses[key] = answer(question)
      }
      more = { inputResponses, requestState }
    }
  }

  listen(notifications: object, id: string | number = randomUUID()): Promise<Reply> {
    return this.request('subscriptions/listen', { notifications }, { id })
  }
}

/** Returns plain ASCII unchanged, and other texts in base64 (A.2). */
export function headerValue(text: string): string {
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)
    ? text
    : `=?base64?${Buffer.from(text).toString('base64')}?=`
}

/** Repeats a check until it passes. When the time (milliseconds) is up, throws the last error. */
export async function eventually<T>(check: () => Promise<T>, within = 8_000): Promise<T> {
  const end = Date.now() + within
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > end) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
