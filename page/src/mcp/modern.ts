/** A client of 2026-07-28: requests that stand alone, questions in rounds, tasks as an extension. */
import type { JsonObject } from '../json.ts'
import { isObject, numberOf, objectOf, parseJson, textOf } from '../json.ts'
import { readEvents } from './events.ts'
import { isStream, readText, send } from './http.ts'
import { problemOf } from './legacy.ts'
import type { CallHooks, ClientHost, Connection, ServerInfo } from './protocol.ts'
import {
  CLIENT_INFO,
  headerValue,
  MODERN,
  MODERN_CAPABILITIES,
  resultOf,
  toServerInfo,
} from './protocol.ts'

const META = 'io.modelcontextprotocol/'

/** A server that asks more rounds than this in one call is not asked on. */
const MOST_ROUNDS = 50

class ModernConnection implements Connection {
  readonly era = MODERN
  info: ServerInfo = toServerInfo({}, {}, MODERN)
  readonly #host: ClientHost
  readonly #closing = new AbortController()
  #lastId = 0

  constructor(host: ClientHost) {
    this.#host = host
  }

  async open(): Promise<void> {
    const result = await this.#send('server/discover', {}, {})
    const implementation = objectOf(result._meta)[`${META}serverInfo`] ?? result.serverInfo
    this.info = toServerInfo(implementation, result, MODERN)
  }

  async request(method: string, params: JsonObject, hooks: CallHooks = {}): Promise<JsonObject> {
    let sent = params
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const result = await this.#send(method, sent, hooks)
      if (result.resultType === 'task') return this.#followTask(result, hooks)
      if (result.resultType !== 'input_required') return result
      const inputResponses = await this.#answer(result.inputRequests, hooks)
      const { requestState } = result
      sent = { ...params, inputResponses, ...(requestState !== undefined && { requestState }) }
    }
    throw new Error(`The server asked more than ${MOST_ROUNDS} times.`)
  }

  listen(): void {
    const { capabilities } = this.info
    const changes = (name: string) => objectOf(capabilities[name]).listChanged === true
    const notifications = {
      toolsListChanged: changes('tools'),
      promptsListChanged: changes('prompts'),
      resourcesListChanged: changes('resources'),
    }
    if (!Object.values(notifications).includes(true)) return
    const { signal } = this.#closing
    const again = async () => {
      for (let pause = 1_000; !signal.aborted; pause = Math.min(pause * 2, 60_000)) {
        const hooks = { signal, onNotification: this.#host.onNotification }
        await this.#send('subscriptions/listen', { notifications }, hooks)
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
    again().catch(() => {})
  }

  close(): void {
    this.#closing.abort()
  }

  /** Asks the person everything that a result asks for, in its order. */
  async #answer(requests: unknown, hooks: CallHooks): Promise<JsonObject> {
    const answers: [string, JsonObject][] = []
    const ask = hooks.ask ?? this.#host.ask
    for (const [key, request] of Object.entries(objectOf(requests))) {
      if (!isObject(request) || typeof request.method !== 'string') continue
      const question = { method: request.method, params: objectOf(request.params) }
      answers.push([key, await ask(question, hooks.signal)])
    }
    return Object.fromEntries(answers)
  }

  /** Asks for a task until it has ended. The person may cancel it, and answers its questions. */
  async #followTask(created: JsonObject, hooks: CallHooks): Promise<JsonObject> {
    const taskId = textOf(created.taskId) ?? ''
    const answered = new Set<string>()
    let task = created
    const quiet = hooks.paramHeaders ? { ...hooks, paramHeaders: {} } : hooks
    const { signal: _, ...unstoppable } = quiet
    for (;;) {
      hooks.onTask?.(task)
      if (task.status === 'completed') return objectOf(task.result)
      if (task.status === 'failed') throw toTaskError(task)
      if (task.status === 'cancelled') throw new Error('The task was cancelled.')
      if (task.status === 'input_required') {
        const open = Object.entries(objectOf(task.inputRequests)).filter(
          ([key]) => !answered.has(key),
        )
        if (open.length > 0) {
          const inputResponses = await this.#answer(Object.fromEntries(open), hooks)
          for (const key of Object.keys(inputResponses)) answered.add(key)
          await this.#send('tasks/update', { taskId, inputResponses }, unstoppable)
        }
      }
      const interval = Math.min(numberOf(task.pollIntervalMs) ?? 1_000, 10_000)
      const stopped = await elapsed(Math.max(interval, 100), hooks.signal)
      if (stopped) await this.#send('tasks/cancel', { taskId }, unstoppable)
      task = await this.#send('tasks/get', { taskId }, unstoppable)
      if (stopped && task.status !== 'completed') {
        hooks.onTask?.({ ...task, status: 'cancelled' })
        throw new Error('The task was cancelled.')
      }
    }
  }

  async #send(method: string, params: JsonObject, hooks: CallHooks): Promise<JsonObject> {
    const id = ++this.#lastId
    const name = params.name ?? params.uri ?? params.taskId
    const token = this.#host.token()
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      'MCP-Protocol-Version': MODERN,
      'Mcp-Method': method,
      ...(typeof name === 'string' && { 'Mcp-Name': headerValue(name) }),
      ...hooks.paramHeaders,
    }
    const message = { jsonrpc: '2.0', id, method, params: { ...params, _meta: metaOf(id, hooks) } }
    const request = { title: method, method: 'POST', url: this.#host.url } as const
    const sent = await send(
      { ...request, headers, body: JSON.stringify(message), signal: hooks.signal },
      this.#host.onRecord,
    )
    const { response, record, arrived, ended } = sent
    if (!isStream(response) || !response.body) {
      const answer = parseJson(await readText(sent))
      // An error without an id refuses the HTTP request as a whole.
      if (!isObject(answer) || response.status === 401 || response.status === 403) {
        throw problemOf(response, record.body)
      }
      return resultOf(answer)
    }
    try {
      for await (const event of readEvents(response.body, arrived)) {
        const answer = parseJson(event.data ?? '')
        if (!isObject(answer)) continue
        if (typeof answer.method === 'string') {
          hooks.onNotification?.(answer.method, objectOf(answer.params))
        } else if (answer.id === id) return resultOf(answer)
      }
    } finally {
      ended(hooks.signal?.aborted ? 'Cancelled' : undefined)
    }
    throw new Error('The stream ended without an answer.')
  }
}

function metaOf(id: number, { onNotification }: CallHooks): JsonObject {
  return {
    [`${META}protocolVersion`]: MODERN,
    [`${META}clientInfo`]: CLIENT_INFO,
    [`${META}clientCapabilities`]: MODERN_CAPABILITIES,
    ...(onNotification && { progressToken: id, [`${META}logLevel`]: 'debug' }),
  }
}

function toTaskError({ error, statusMessage }: JsonObject): Error {
  if (isObject(error)) {
    try {
      resultOf({ error })
    } catch (failure) {
      if (failure instanceof Error) return failure
    }
  }
  return new Error(textOf(statusMessage) ?? 'The task failed.')
}

/** Waits. Resolves at once, with true, when the signal aborts. */
function elapsed(milliseconds: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(true)
  return new Promise((resolve) => {
    const stopped = () => {
      clearTimeout(timer)
      resolve(true)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stopped)
      resolve(false)
    }, milliseconds)
    signal?.addEventListener('abort', stopped, { once: true })
  })
}

export async function openModern(host: ClientHost): Promise<Connection> {
  const connection = new ModernConnection(host)
  await connection.open()
  return connection
}
