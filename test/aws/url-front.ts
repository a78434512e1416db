/** A Lambda Function URL on this machine: payload 2.0, every path and method, streaming. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Invocation } from './lambda-host.ts'
import { answerStream } from './rest-front.ts'

export async function urlFront(called: { invoke(event: unknown): Promise<Invocation> }) {
  const server = createServer(async (request, response) => {
    try {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
      const url = new URL(request.url ?? '/', 'http://gateway')
      const { cookie, connection: _, ...headers } = request.headers
      const invocation = await called.invoke({
        version: '2.0',
        routeKey: '$default',
        rawPath: url.pathname,
        rawQueryString: url.search.slice(1),
        headers,
        ...(cookie && { cookies: cookie.split('; ') }),
        ...(parts.length > 0 && { body: Buffer.concat(parts).toString('base64') }),
        isBase64Encoded: parts.length > 0,
        requestContext: {
          domainName: 'url123.lambda-url.eu-west-1.on.aws',
          http: { method: request.method, path: url.pathname, sourceIp: '203.0.113.1' },
          stage: '$default',
        },
      })
      await answerStream(invocation, { idle: 300_000, total: 900_000, response })
    } catch (error) {
      if (response.destroyed) return
      console.error(error)
      response.writeHead(502).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
