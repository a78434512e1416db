/** The load: HTTP/1.1 on kept-alive connections. Each sends its next request when the last one is answered. */
import { Pool } from 'undici'
import type { Call, Handshake } from './calls.ts'
import { INITIALIZE, legacy } from './calls.ts'

export interface Reply {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
}

export class Client {
  readonly #pool: Pool
  readonly #atOnce: number

  constructor(port: number, connections: number) {
    this.#atOnce = connections
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 })
  }

  async send({ body, headers }: Call): Promise<Reply> {
    const reply = await this.#pool.request({ path: '/mcp', method: 'POST', headers, body })
    return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() }
  }

  /** Repeats a call on all connections while `more` returns true. Latencies are in milliseconds. */
  async repeat(call: Call, more: (done: number) => boolean): Promise<number[]> {
    const latencies: number[] = []
    let begun = 0
    const worker = async () => {
      while (more(begun)) {
        begun++
        const before = performance.now()
        const { status, text } = await this.send(call)
        latencies.push(performance.now() - before)
        if (status !== 200 || text.includes('"error"')) throw new Error(`${status} ${text}`)
      }
    }
    await Promise.all(Array.from({ length: this.#atOnce }, worker))
    return latencies
  }

  close(): Promise<void> {
    return this.#pool.destroy()
  }
}

/** The handshake of 2025. */
export async function shakeHands(client: Client): Promise<Handshake> {
  const { status, headers, text } = await client.send(INITIALIZE)
  if (status !== 200) throw new Error(`initialize: ${status} ${text}`)
  const revision = /"protocolVersion":"([^"]+)"/.exec(text)?.[1]
  const session = headers['mcp-session-id']
  const handshake = {
    // The floors answer every request with the same result.
    revision: revision ?? '2025-11-25',
    session: typeof session === 'string' ? session : undefined,
  }
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await client.send({ ...legacy('notifications/initialized', {}, handshake), body })
  return handshake
}
