/** The floor: bare Hono that reads a JSON-RPC request and answers it with a fixed result, or with a stream of fixed events. */
import { Hono } from 'hono'
import { CALLED, progressEvent, resultOf } from './fixed.ts'
import { serveFetch } from './serving.ts'

const encoder = new TextEncoder()
const app = new Hono()
app.post('/mcp', async (c) => {
  const { id, method, params } = await c.req.json()
  if (params?.name !== 'count') return c.json({ jsonrpc: '2.0', id, result: resultOf(method) })
  const { steps, turns } = params.arguments
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      for (let i = 1; i <= steps; i++) {
        controller.enqueue(encoder.encode(progressEvent(i, steps)))
        if (turns) await new Promise((resolve) => setImmediate(resolve))
      }
      const last = JSON.stringify({ jsonrpc: '2.0', id, result: CALLED })
      controller.enqueue(encoder.encode(`data: ${last}\n\n`))
      controller.close()
    },
  })
  return c.body(body, 200, { 'content-type': 'text/event-stream' })
})
serveFetch(app.fetch)
