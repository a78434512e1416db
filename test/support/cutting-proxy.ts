/** A TCP proxy on the loopback interface that can cut connections between a request and its answer. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'

export interface CuttingProxy extends AsyncDisposable {
  readonly port: number
  /**
   * Forwards this number of answers, and destroys the connection in place of the next answer. So the server
   * has carried out the request, and its client does not know it.
   */
  loseAnswers(count: number): void
  /** The number of answers that were lost so far. */
  readonly lost: number
}

export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  let toLose = 0
  let lost = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on('data', (data) => {
      if (toLose === 0) return void client.write(data)
      toLose -= 1
      lost += 1
      client.destroy()
      upstream.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get lost() {
      return lost
    },
    loseAnswers(count) {
      toLose = count
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
