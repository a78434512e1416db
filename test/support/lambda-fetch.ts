/** `fetch` through the Lambda adapter: events of a function URL in, the streamed response out. */

import { PassThrough, Readable } from 'node:stream'
import type { Head } from '../../adapters/apigateway.ts'
import type { App, LambdaRuntime, ResponseStream } from '../../adapters/lambda.ts'
import { lambda } from '../../adapters/lambda.ts'
import type { Fetch } from './official-clients.ts'

export function lambdaFetch(app: App): Fetch {
  const heads = new WeakMap<object, (head: Head) => void>()
  const runtime: LambdaRuntime = {
    streamifyResponse: (handler) => handler,
    HttpResponseStream: {
      from(target, head) {
        heads.get(target)?.(head)
        return target
      },
    },
  }
  const handler = lambda(app, { runtime, log: () => {} })
  return async (url, init = {}) => {
    const { pathname, host } = new URL(url)
    const sink = Object.assign(new PassThrough(), { setContentType: () => undefined })
    const began = new Promise<Head>((resolve) => heads.set(sink, resolve))
    const event = {
      version: '2.0',
      rawPath: pathname,
      rawQueryString: '',
      headers: { ...Object.fromEntries(new Headers(init.headers)), host },
      requestContext: { http: { method: init.method ?? 'GET' }, domainName: host },
      ...(typeof init.body === 'string' && { body: init.body }),
      isBase64Encoded: false,
    }
    const context = { awsRequestId: 'r1', getRemainingTimeInMillis: () => 60_000 }
    const failed = handler(event, sink as unknown as ResponseStream, context).then(
      () => new Promise<never>(() => {}),
    )
    const { statusCode, headers = {} } = await Promise.race([began, failed])
    const body = statusCode === 204 ? null : (Readable.toWeb(sink) as ReadableStream)
    return new Response(body, { status: statusCode, headers: headers as Record<string, string> })
  }
}
