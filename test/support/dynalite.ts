/** A stand-in for DynamoDB in this process: dynalite on a free port, with a table. */

import { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import dynalite from 'dynalite'
import { createTable } from '../../adapters/dynamodb/dynamo-store.ts'

export interface Dynalite extends AsyncDisposable {
  endpoint: string
  table: string
  /** The environment variables with which a server process uses it. */
  env: Record<string, string>
  /** Returns a client of this endpoint, which is closed with it. It has the SDK's default retries. */
  client(settings?: { endpoint?: string; maxAttempts?: number }): DynamoDBClient
  /**
   * Options by which a store of this process reaches it without a client of the SDK. The keys come from
   * the environment, which this sets.
   */
  direct(endpoint?: string): { region: string; endpoint: string }
  /** Closes every connection and refuses new ones, like a database that has failed. Keeps the data. */
  stop(): Promise<void>
  /** Answers again, on the same port with the same data. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface DynaliteOptions {
  /** @default one from the operating system */
  port?: number
  /** @default 'test' */
  table?: string
}

export async function startDynalite(options: DynaliteOptions = {}): Promise<Dynalite> {
  const { port = 0, table = 'test' } = options
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0 })
  // Dynalite's own close() and listen() delete the data, but those of its HTTP server do not.
  const listen = (on: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      const listening = () => {
        server.off('error', reject)
        resolve()
      }
      Reflect.apply(Server.prototype.listen, server, [on, '127.0.0.1', listening])
    })
  const stop = () =>
    new Promise<void>((resolve) => {
      Reflect.apply(Server.prototype.close, server, [() => resolve()])
      server.closeAllConnections()
    })

  await listen(port)
  const bound = (server.address() as AddressInfo).port
  const endpoint = `http://127.0.0.1:${bound}`
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const clients: DynamoDBClient[] = []

  const running: Dynalite = {
    endpoint,
    table,
    env: {
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_REGION: 'local',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      MCP_STORE: 'dynamodb',
      MCP_TABLE: table,
    },
    client(settings) {
      const client = new DynamoDBClient({ region: 'local', endpoint, credentials, ...settings })
      clients.push(client)
      return client
    },
    direct(through = endpoint) {
      process.env.AWS_ACCESS_KEY_ID ??= credentials.accessKeyId
      process.env.AWS_SECRET_ACCESS_KEY ??= credentials.secretAccessKey
      return { region: 'local', endpoint: through }
    },
    stop,
    restart: () => listen(bound),
    async close() {
      for (const client of clients) client.destroy()
      if (server.listening) await stop()
    },
    [Symbol.asyncDispose]: () => running.close(),
  }
  await createTable({ table, client: running.client() })
  return running
}
