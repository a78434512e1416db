/** A 2025-11-25 client for tests of several instances. It uses plain HTTP and shows each event as it arrives. */

import { expect } from 'vitest'

export interface Message {
  id?: number | string
  method?: string
  params?: Record<string, unknown>
  result?: { content?: { text?: string }[] } & Record<string, unknown>
  error?: { code: number; message: string }
}

export interface StreamEvent {
  id?: string
  message?: Message
}

interface SendOptions {
  /** The URL of another server than the client's. */
  base?: string
  signal?: AbortSignal
}

let ids = 0

export class Client {
  readonly #base: string
  readonly session: string

  private constructor(base: string, session: string) {
    this.#base = base
    this.session = session
  }

  /** Opens a session that is ready for use. */
  static async open(base: string, capabilities: object = {}): Promise<Client> {
    const client = await Client.initialize(base, capabilities)
    await client.notify('notifications/initialized')
    return client
  }

  /** Makes only the first of the two steps. */
  static async initialize(base: string, capabilities: object = {}): Promise<Client> {
    const response = await new Client(base, '').post({
      jsonrpc: '2.0',
      id: ++ids,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities,
        clientInfo: { name: 'test', version: '1' },
      },
    })
    await response.text()
    expect(response.status).toBe(200)
    return new Client(base, response.headers.get('mcp-session-id') ?? '')
  }

  post(body: object, options: SendOptions = {}): Promise<Response> {
    return this.#fetch('POST', options, {
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(body),
    })
  }

  /** Sends a tool call. With `progress`, the id is also the progress token. */
  toolCall(name: string, args: object = {}, { progress = false } = {}) {
    const id = ++ids
    const params = { name, arguments: args, ...(progress && { _meta: { progressToken: id } }) }
    return { jsonrpc: '2.0', id, method: 'tools/call', params }
  }

  /** Calls a tool and returns its text, or the error as JSON. */
  async call(name: string, args?: object): Promise<string> {
    return textOf(await this.post(this.toolCall(name, args)))
  }

  async notify(method: string, params: object = {}): Promise<void> {
    const response = await this.post({ jsonrpc: '2.0', method, params })
    expect(response.status).toBe(202)
  }

  /** Opens the GET stream, or with an event id resumes that stream. */
  listen(lastEventId?: string, options: SendOptions = {}): Promise<Response> {
    const headers = {
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    }
    return this.#fetch('GET', options, { headers })
  }

  delete(options: SendOptions = {}): Promise<Response> {
    return this.#fetch('DELETE', options, {})
  }

  #fetch(
    method: string,
    { base = this.#base, signal }: SendOptions,
    { headers, body }: { headers?: Record<string, string>; body?: string },
  ): Promise<Response> {
    const session = { 'mcp-session-id': this.session, 'mcp-protocol-version': '2025-11-25' }
    return fetch(`${base}/mcp`, {
      method,
      headers: { ...headers, ...(this.session && session) },
      ...(body && { body }),
      ...(signal && { signal }),
    })
  }
}

/** Yields events as they arrive, until the stream ends, also when its server dies. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  let rest = ''
  try {
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + text).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const id = /^id: ?(.+)$/m.exec(block)?.[1]
        const data = /^data: ?(\S.*)$/m.exec(block)?.[1]
        if (!id && !data) continue
        yield { ...(id && { id }), ...(data && { message: JSON.parse(data) }) }
      }
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
}

/** Returns all events of a stream, at its end. */
export async function collectEvents(response: Response): Promise<StreamEvent[]> {
  const events: StreamEvent[] = []
  for await (const event of eventsOf(response)) events.push(event)
  return events
}

/** The numbers of the progress notifications among the events. */
export const progressOf = (events: StreamEvent[]) =>
  events.flatMap(({ message }) =>
    message?.method === 'notifications/progress' ? [message.params?.progress] : [],
  )

/** Returns the text of the answer, from a JSON body or a stream. */
async function textOf(response: Response): Promise<string> {
  let last: Message | undefined
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    for await (const { message } of eventsOf(response)) last = message ?? last
  } else last = (await response.json()) as Message
  return last?.result?.content?.[0]?.text ?? JSON.stringify(last?.error)
}

export const times = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Returns the processes that answer a client's calls, one after another. */
export async function pidsOf(client: Client, calls: number): Promise<string[]> {
  const pids: string[] = []
  for (const _ of times(calls)) pids.push(await client.call('which_instance'))
  return pids
}
