/** Requests to the endpoint, each with a record that the page shows beside its result. */

/** One HTTP request and its response, as they went over the wire. */
export interface HttpRecord {
  readonly id: number
  readonly title: string
  readonly startedAt: number
  readonly method: string
  readonly url: string
  readonly requestHeaders: Readonly<Record<string, string>>
  readonly requestBody: string | undefined
  status?: number
  responseHeaders?: Readonly<Record<string, string>>
  /** What has arrived so far. */
  body: string
  endedAt?: number
  failure?: string
}

/** More of a body than this is not kept for showing. */
const MOST_SHOWN = 400_000

/** An answer that is not the protocol's: a refused login, or a server that does not know this method of HTTP. */
export class HttpProblem extends Error {
  override name = 'HttpProblem'
  readonly status: number
  readonly challenge: string | undefined

  constructor(status: number, message: string, challenge?: string) {
    super(message)
    this.status = status
    this.challenge = challenge
  }
}

export interface HttpRequest {
  readonly title: string
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly url: string
  readonly headers: Record<string, string>
  readonly body?: string
  readonly signal?: AbortSignal | undefined
}

export interface Recorded {
  readonly response: Response
  readonly record: HttpRecord
  /** Adds text that has arrived to the record. */
  readonly arrived: (text: string) => void
  readonly ended: (failure?: string) => void
}

let lastId = 0

/** Sends a request. `onRecord` is called whenever there is more to show of it. */
export async function send(
  { title, method, url, headers, body, signal }: HttpRequest,
  onRecord: (record: HttpRecord) => void,
): Promise<Recorded> {
  const shown = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name === 'Authorization' ? value.replace(/ .*/, ' …') : value,
    ]),
  )
  const record: HttpRecord = {
    id: ++lastId,
    title,
    startedAt: Date.now(),
    method,
    url,
    requestHeaders: shown,
    requestBody: body,
    body: '',
  }
  onRecord(record)
  const ended = (failure?: string) => {
    record.endedAt ??= Date.now()
    if (failure !== undefined) record.failure = failure
    onRecord(record)
  }
  const arrived = (text: string) => {
    if (record.body.length < MOST_SHOWN) record.body += text.slice(0, MOST_SHOWN)
    onRecord(record)
  }
  try {
    const init: RequestInit = { method, headers, cache: 'no-store', credentials: 'same-origin' }
    if (body !== undefined) init.body = body
    if (signal) init.signal = signal
    const response = await fetch(url, init)
    record.status = response.status
    record.responseHeaders = Object.fromEntries(response.headers)
    onRecord(record)
    return { response, record, arrived, ended }
  } catch (error) {
    ended(signal?.aborted ? 'Cancelled' : String(error))
    throw error
  }
}

/** Whether a response is a stream of events. */
export function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true
}

/** Reads a whole body into the record and returns it. */
export async function readText({ response, arrived, ended }: Recorded): Promise<string> {
  try {
    const text = await response.text()
    arrived(text)
    ended()
    return text
  } catch (error) {
    ended(String(error))
    throw error
  }
}
