/**
 * The four operations of Lambda that start and wake executions, each one signed request. The AWS SDK's
 * client would do the same, but it takes longer to load than the whole server, and a call that creates a
 * task waits for it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createSigner } from '../shared/signature.ts'

/** Lambda's refusal of a request. `name` is its exception, such as `ResourceNotFoundException`. */
export class LambdaError extends Error {
  readonly status: number

  constructor(name: string, status: number) {
    super(`Lambda answered ${status} ${name}`)
    this.name = name
    this.status = status
  }
}

/** The state of an execution, as Lambda tells it. */
export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED'

interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Attempts of one request, and milliseconds of one attempt and of the longest first pause. */
const ATTEMPTS = 3
const ATTEMPT_TIMEOUT = 5_000
const FIRST_PAUSE = 100

export interface LambdaApiOptions {
  readonly region: string
  readonly fetch: typeof globalThis.fetch
}

export class LambdaApi {
  readonly #fetch: typeof globalThis.fetch
  readonly #endpoint: string
  readonly #sign: ReturnType<typeof createSigner>

  constructor({ region, fetch }: LambdaApiOptions) {
    this.#fetch = fetch
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
    this.#endpoint = process.env.AWS_ENDPOINT_URL_LAMBDA || `https://lambda.${region}.${suffix}`
    this.#sign = createSigner('lambda', region)
  }

  /**
   * Starts an execution and does not wait for it. A name starts one execution only, however often this
   * is called.
   */
  async start(functionArn: string, name: string, payload: object): Promise<void> {
    try {
      await this.#send({
        method: 'POST',
        path: `/2015-03-31/functions/${toPathPart(functionArn)}/invocations`,
        headers: { 'x-amz-durable-execution-name': name, 'x-amz-invocation-type': 'Event' },
        body: JSON.stringify(payload),
      })
    } catch (error) {
      const isStarted =
        error instanceof LambdaError && error.name === 'DurableExecutionAlreadyStartedException'
      if (!isStarted) throw error
    }
  }

  /** Ends the wait of an execution for this callback. */
  async succeed(callbackId: string): Promise<void> {
    const path = `/2025-12-01/durable-execution-callbacks/${toPathPart(callbackId)}/succeed`
    await this.#send({ method: 'POST', path })
  }

  async stop(executionArn: string): Promise<void> {
    await this.#send({ method: 'POST', path: `${toPath(executionArn)}/stop` })
  }

  /** Undefined for an execution that Lambda does not know, or no longer. */
  async statusOf(executionArn: string): Promise<ExecutionStatus | undefined> {
    try {
      const answer = await this.#send({ method: 'GET', path: toPath(executionArn) })
      return (answer as { Status?: ExecutionStatus }).Status
    } catch (error) {
      if (error instanceof LambdaError && error.status === 404) return undefined
      throw error
    }
  }

  /** Sends a request until it is answered. All of them may be repeated without harm. */
  async #send(request: Request): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request)
      } catch (error) {
        const isRefused = error instanceof LambdaError && error.status < 500 && error.status !== 429
        if (isRefused || attempt === ATTEMPTS) throw error
      }
      await delay(Math.random() * FIRST_PAUSE * 2 ** (attempt - 1))
    }
  }

  async #attempt({ method, path, headers, body = '' }: Request): Promise<unknown> {
    const { env } = process
    const url = new URL(path, this.#endpoint)
    const signed = this.#sign(
      { method, headers: { ...headers, host: url.host }, path: url.pathname, body },
      {
        accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
        sessionToken: env.AWS_SESSION_TOKEN,
      },
      Date.now(),
    )
    const response = await this.#fetch(url, {
      method,
      headers: signed,
      signal: AbortSignal.timeout(ATTEMPT_TIMEOUT),
      ...(body && { body }),
    })
    const answer: unknown = await response.json().catch(() => ({}))
    if (response.ok) return answer
    const { __type = '' } = answer as { __type?: string }
    const name = response.headers.get('x-amzn-errortype') ?? __type
    throw new LambdaError(name.split(':')[0] || 'Error', response.status)
  }
}

const toPath = (executionArn: string) =>
  `/2025-12-01/durable-executions/${toPathPart(executionArn)}`

/** Escapes a part of a path as AWS's own clients do. */
function toPathPart(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
