/** Shows each request that clients send, with what came of it. */

/** A request of a client, as it is shown. */
export interface ShownCall {
  readonly method: string
  /** The tool, the prompt or the resource. */
  readonly target: string | undefined
  readonly args: unknown
  readonly revision: string | undefined
}

export interface ShownOutcome {
  readonly milliseconds: number
  /** Undefined after success. */
  readonly failure: string | undefined
}

export type ShowCall = (call: ShownCall, outcome: ShownOutcome) => void

type Fetch = (request: Request, env?: object) => Response | Promise<Response>

interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: {
    readonly name?: unknown
    readonly uri?: unknown
    readonly arguments?: unknown
    readonly protocolVersion?: unknown
    readonly clientInfo?: { readonly name?: unknown; readonly version?: unknown }
  }
  readonly result?: { readonly isError?: boolean; readonly content?: readonly { text?: string }[] }
  readonly error?: { readonly code?: number; readonly message?: string }
}

/** Longer bodies are passed on unread. */
const LONGEST = 4 * 1024 * 1024

/** Wraps the `fetch` of a server. What clients send and get is not changed. */
export function shownFetch(fetch: Fetch, show: ShowCall, now = () => performance.now()): Fetch {
  return async (request, env) => {
    const length = request.headers.get('content-length')
    if (request.method !== 'POST' || length === null || Number(length) > LONGEST)
      return fetch(request, env)
    const body = await request.text()
    const { url, method, headers, signal } = request
    const startedAt = now()
    const response = await fetch(new Request(url, { method, headers, body, signal }), env)
    const waiting = new Map<unknown, ShownCall>()
    for (const message of parse(body)) {
      if (message.id !== undefined && message.method !== undefined)
        waiting.set(message.id, toCall(message, headers))
    }
    if (waiting.size === 0) return response
    const told = (answers: readonly Message[], otherwise?: string) => {
      for (const [id, call] of waiting) {
        const answer = answers.find(
          (one) => one.id === id && (one.result ?? one.error) !== undefined,
        )
        if (answer === undefined && otherwise === undefined) continue
        waiting.delete(id)
        show(call, {
          milliseconds: now() - startedAt,
          failure: answer ? failureOf(answer) : otherwise,
        })
      }
    }
    if (isStream(response)) return withBody(response, told)
    // What is not an answer is the status alone, such as a refusal of the token.
    const text = await response
      .clone()
      .text()
      .catch(() => '')
    told(parse(text), response.ok ? 'no answer' : refusalOf(response.status, text))
    return response
  }
}

const isStream = ({ headers }: Response) =>
  headers.get('content-type')?.startsWith('text/event-stream') === true

/** Passes on a stream of events, and reads the answers in it. */
function withBody(
  response: Response,
  told: (answers: readonly Message[], otherwise?: string) => void,
): Response {
  const decoder = new TextDecoder()
  let line = ''
  const reader = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk)
      const lines = (line + decoder.decode(chunk, { stream: true })).split('\n')
      line = lines.pop() ?? ''
      for (const one of lines) if (one.startsWith('data:')) told(parse(one.slice(5)))
    },
    flush: () => told([], 'the stream ended without an answer'),
  })
  const { status, statusText, headers } = response
  return new Response(response.body?.pipeThrough(reader) ?? null, { status, statusText, headers })
}

function toCall({ method = '', params = {} }: Message, headers: Headers): ShownCall {
  const { name, uri, clientInfo } = params
  const client = clientInfo && [clientInfo.name, clientInfo.version].filter(Boolean).join(' ')
  const target = name ?? uri ?? client
  const revision = headers.get('mcp-protocol-version') ?? params.protocolVersion
  return {
    method,
    target: target === undefined ? undefined : String(target),
    args: params.arguments,
    revision: revision === undefined ? undefined : String(revision),
  }
}

function failureOf({ result, error }: Message): string | undefined {
  if (error) return `${error.code} ${error.message}`
  if (result?.isError) return result.content?.[0]?.text ?? 'the tool failed'
  return undefined
}

function refusalOf(status: number, text: string): string {
  const [answer] = parse(text)
  return answer?.error?.message ? `${status} ${answer.error.message}` : `${status}`
}

function parse(text: string): readonly Message[] {
  try {
    const value: unknown = JSON.parse(text)
    const all = Array.isArray(value) ? value : [value]
    return all.filter((one) => typeof one === 'object' && one !== null)
  } catch {
    return []
  }
}
