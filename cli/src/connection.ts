/** The connection to one server: opens it in either era, restores it, and receives notifications. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { McpSubscription } from '@modelcontextprotocol/client'
import { Client, SdkHttpError } from '@modelcontextprotocol/client'
import type { Responder } from './answers.ts'
import type { Authorization } from './authorization.ts'
import { exitCodes, findCause, Problem } from './problem.ts'
import type { Settings } from './settings.ts'
import { TASKS_EXTENSION } from './task.ts'
import { StreamAwareTransport } from './transport.ts'
import { acceptEverything } from './validate.ts'
import { packageVersion } from './version.ts'

export const clientInfo = {
  name: 'streamable-mcp',
  title: 'streamable-mcp client',
  version: packageVersion(),
}

export interface ConnectionEvents {
  /** Receives the server's notifications. */
  notified(method: string, params: Record<string, unknown>): void
  /** Is called when the server did not know the session any more and a new one was opened. */
  renewed(): void
  /** Receives other errors of the library, for debugging. */
  trouble(error: Error): void
}

export interface ConnectionOptions {
  readonly settings: Settings
  readonly authorization: Authorization
  readonly responder: Responder
  readonly events: ConnectionEvents
  /** Keep a stream open for changes of lists and resources, if the server offers one. */
  readonly listen: boolean
}

const NOTIFICATIONS = [
  'notifications/message',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/elicitation/complete',
] as const

interface Open {
  readonly client: Client
  readonly transport: StreamAwareTransport
}

export class Connection {
  readonly #options: ConnectionOptions
  #open: Open | undefined
  #subscription: McpSubscription | undefined
  /** Resources whose updates the user wants. A new session subscribes to them again. */
  readonly #watched = new Set<string>()

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get client(): Client | undefined {
    return this.#open?.client
  }

  /** Connects, and logs in if the server wants it and a person can do it. */
  async open(signal: AbortSignal): Promise<Client> {
    return this.#options.authorization.withLogin(signal, () => this.#connect(signal))
  }

  /**
   * Runs an operation at the connected server. A session that the server does not know any more is
   * replaced (B37), and the operation is repeated once, because a request with a 404 was not carried out.
   */
  async run<T>(signal: AbortSignal, operation: (client: Client) => Promise<T>): Promise<T> {
    const attempt = async (): Promise<T> => {
      if (this.#open === undefined) {
        throw new Problem('Not connected.', { next: 'Type `connect`, or `connect <url>`.' })
      }
      const { client, transport } = this.#open
      try {
        return await operation(client)
      } catch (error) {
        const lost = findCause(error, SdkHttpError)?.status === 404
        if (!lost || transport.sessionId === undefined) throw error
        const renewed = await this.#connect(signal)
        this.#options.events.renewed()
        return operation(renewed)
      }
    }
    try {
      return await this.#options.authorization.withLogin(signal, attempt)
    } catch (error) {
      // The library reports a cancelled request as one that timed out.
      if (signal.aborted) throw new Problem('Cancelled.', { exit: exitCodes.interrupted })
      throw error
    }
  }

  /** Disconnects. The server is not told, so it keeps the session. */
  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    this.#subscription = undefined
    await open?.client.close()
  }

  /** Ends the session on the server and disconnects. Resolves with whether there was a session to end. */
  async terminate(): Promise<boolean> {
    const transport = this.#open?.transport
    const hadSession = transport?.sessionId !== undefined
    const leave = async (): Promise<void> => {
      // Closing would abort a cancellation that is still on its way, and DELETE could overtake it.
      await transport?.notified()
      if (hadSession) await transport?.terminateSession()
    }
    try {
      // A server that does not answer must not keep the program running.
      await Promise.race([leave(), sleep(3_000, undefined, { ref: false })])
    } finally {
      await this.close()
    }
    return hadSession
  }

  async watch(uri: string, signal: AbortSignal): Promise<void> {
    await this.run(signal, async (client) => {
      this.#watched.add(uri)
      try {
        if (client.getProtocolEra() === 'modern') await this.#listen(client, signal)
        else await client.subscribeResource({ uri }, { signal })
      } catch (error) {
        this.#watched.delete(uri)
        throw error
      }
    })
  }

  async unwatch(uri: string, signal: AbortSignal): Promise<void> {
    this.#watched.delete(uri)
    await this.run(signal, async (client) => {
      if (client.getProtocolEra() === 'modern') await this.#listen(client, signal)
      else await client.unsubscribeResource({ uri }, { signal })
    })
  }

  async #connect(signal: AbortSignal): Promise<Client> {
    const { settings, authorization, responder, events, listen } = this.#options
    await this.close()
    const client = new Client(clientInfo, {
      capabilities: { ...responder.capabilities, extensions: { [TASKS_EXTENSION]: {} } },
      jsonSchemaValidator: acceptEverything,
      // The client lists the tools before every call, and servers of 2025 do not say how long a list is valid.
      defaultCacheTtlMs: 60_000,
      versionNegotiation: {
        mode:
          settings.era === 'auto'
            ? 'auto'
            : settings.era === 'modern'
              ? { pin: '2026-07-28' }
              : 'legacy',
      },
    })
    const { elicit, sample } = responder
    if (elicit !== undefined) {
      client.setRequestHandler('elicitation/create', ({ params }, { mcpReq }) =>
        elicit(params, mcpReq.signal),
      )
    }
    if (sample !== undefined) {
      client.setRequestHandler('sampling/createMessage', ({ params }, { mcpReq }) =>
        sample(params, mcpReq.signal),
      )
    }
    for (const method of NOTIFICATIONS) {
      client.setNotificationHandler(method, ({ params }) => events.notified(method, params ?? {}))
    }
    client.onerror = (error) => events.trouble(error)
    const transport = new StreamAwareTransport(new URL(settings.url), {
      fetch: authorization.fetch,
      reconnectionOptions: {
        initialReconnectionDelay: 500,
        maxReconnectionDelay: 10_000,
        reconnectionDelayGrowFactor: 2,
        maxRetries: 5,
      },
    })
    await client.connect(transport, { signal, timeout: 30_000 })
    transport.acceptTasks()
    this.#open = { client, transport }
    if (listen) {
      await this.#resume(client, signal).catch((error: unknown) => {
        events.trouble(error instanceof Error ? error : new Error(String(error)))
      })
    }
    return client
  }

  /** Subscribes in the new session to what the user had asked for in the old one. */
  async #resume(client: Client, signal: AbortSignal): Promise<void> {
    if (client.getProtocolEra() === 'modern') return this.#listen(client, signal)
    for (const uri of this.#watched) await client.subscribeResource({ uri }, { signal })
  }

  /** Opens a new stream when the subscriptions change, because 2026 has one stream for all of them. */
  async #listen(client: Client, signal: AbortSignal): Promise<void> {
    const offered = client.getServerCapabilities()
    const filter = {
      ...(offered?.tools?.listChanged && { toolsListChanged: true }),
      ...(offered?.prompts?.listChanged && { promptsListChanged: true }),
      ...(offered?.resources?.listChanged && { resourcesListChanged: true }),
      ...(this.#watched.size > 0 && { resourceSubscriptions: [...this.#watched] }),
    }
    await this.#subscription?.close()
    this.#subscription = undefined
    if (Object.keys(filter).length === 0) return
    // The signal ends only the wait for the server's confirmation. It must not end the stream later.
    const opening = new AbortController()
    const abort = (): void => opening.abort(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      const subscription = await client.listen(filter as Parameters<Client['listen']>[0], {
        signal: opening.signal,
        timeout: 15_000,
      })
      this.#subscription = subscription
      const since = Date.now()
      subscription.closed.then((by) => {
        if (by === 'local' || this.#subscription !== subscription) return
        // A stream that ends at once is not opened again at once.
        this.#listenAgain(client, Date.now() - since < 10_000 ? 2_000 : 500)
      })
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Listens again whenever a listening stream ends, because servers limit its time and may restart. */
  #listenAgain(client: Client, pause: number): void {
    const timer = setTimeout(() => {
      if (this.#open?.client !== client) return
      this.#listen(client, new AbortController().signal).catch(() => {
        this.#listenAgain(client, Math.min(2 * pause, 30_000))
      })
    }, pause)
    timer.unref()
  }
}
