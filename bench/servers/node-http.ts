/** Node's HTTP server alone, which is faster than the floor. */
import { resultOf } from './fixed.ts'
import { serveNode } from './serving.ts'

serveNode((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    const { id, method } = JSON.parse(body) as { id: number; method: string }
    const text = JSON.stringify({ jsonrpc: '2.0', id, result: resultOf(method) })
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    })
    response.end(text)
  })
})
