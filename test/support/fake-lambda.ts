/** The four operations of Lambda that the runner of tasks uses, answered in memory. */

export interface LambdaCall {
  readonly operation: 'start' | 'succeed' | 'stop' | 'status'
  /** The ARN of a function or an execution, or the id of a callback. */
  readonly target: string
  /** The name of the execution that is started. */
  readonly name?: string
  readonly payload?: { readonly owner: string; readonly id: string; readonly endsBy: number }
  readonly headers: Headers
}

const ROUTES: readonly (readonly [LambdaCall['operation'], RegExp])[] = [
  ['start', /^POST \/2015-03-31\/functions\/([^/]+)\/invocations$/],
  ['succeed', /^POST \/2025-12-01\/durable-execution-callbacks\/([^/]+)\/succeed$/],
  ['stop', /^POST \/2025-12-01\/durable-executions\/([^/]+)\/stop$/],
  ['status', /^GET \/2025-12-01\/durable-executions\/([^/]+)$/],
]

/** What Lambda answers: a body, or a refusal with its status and the name of its exception. */
export type LambdaAnswer = object | readonly [status: number, exception: string]

/**
 * A `fetch` for `lambdaRunner()`, and the calls that have come so far. `answer` may return nothing for an
 * empty success.
 */
export function fakeLambda(
  answer: (call: LambdaCall) => LambdaAnswer | undefined = () => undefined,
) {
  const calls: LambdaCall[] = []
  const handle: typeof fetch = async (url, init) => {
    const { pathname } = new URL(`${url}`)
    for (const [operation, route] of ROUTES) {
      const [, target] = route.exec(`${init?.method} ${pathname}`) ?? []
      if (target === undefined) continue
      const headers = new Headers(init?.headers)
      const name = headers.get('x-amz-durable-execution-name')
      const body = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined
      const call = {
        operation,
        target: decodeURIComponent(target),
        headers,
        ...(name && { name }),
        ...(body && { payload: body }),
      }
      calls.push(call)
      const given = answer(call) ?? {}
      if (!Array.isArray(given)) return Response.json(given)
      const [status, exception] = given
      return Response.json({}, { status, headers: { 'x-amzn-errortype': exception } })
    }
    throw new Error(`Lambda has no operation ${init?.method} ${pathname}`)
  }
  return {
    fetch: handle,
    calls,
    /** The operations since the last call of this, with what they were about. */
    take: () =>
      calls.splice(0).map(({ operation, target, name }) => `${operation} ${name ?? target}`),
  }
}
