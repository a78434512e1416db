/**
 * Serves the author's file and serves it anew after each change. The listening socket and the memory store stay,
 * and streams of earlier generations go on until their clients leave, so that no client is disconnected.
 */

import { fileURLToPath } from 'node:url'
import { exitCodes, Problem } from '../problem.ts'
import type { AuthorServer, NodeAdapter } from './author-server.ts'
import { keepStore, pathOf, takeServer } from './author-server.ts'
import { shownFetch } from './call-log.ts'
import type { ModuleLoader } from './module-loader.ts'
import { createModuleLoader } from './module-loader.ts'
import type { Offer } from './offer.ts'
import { countsOf, differenceOf, readOffer } from './offer.ts'
import type { Screen } from './screen.ts'
import { watchSources } from './source-watch.ts'
import { createTypeCheck } from './type-check.ts'

/** Milliseconds that running calls get at the end. */
const GRACE = 1_000

export interface DevServer {
  /** The address of the endpoint; undefined before the first version that works. */
  readonly url: string | undefined
  reload(): Promise<void>
  close(): Promise<void>
}

export interface DevServerOptions {
  readonly file: URL
  readonly screen: Screen
  /** The token of the server's callers, for this program's own look at the lists. */
  readonly token: string | undefined
  /** Called when there is no address to listen on. */
  failed(problem: Problem): void
  /** Called once, when the endpoint can be reached. */
  listening(url: string): void
}

export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const watch = watchSources((paths) => void server.changed(paths))
  const loader = await createModuleLoader(options.file, (path) => watch.add(path))
  const { screen } = options
  const types = createTypeCheck(fileURLToPath(options.file), (found) => screen.types(found))
  const server = new Generations(options, loader)
  const stray = (error: unknown): void => screen.stray(error)
  process.on('uncaughtException', stray)
  process.on('unhandledRejection', stray)
  server.onLoad = () => types?.run()
  await server.reload()
  return {
    get url() {
      return server.url
    },
    reload: () => server.reload(),
    async close() {
      watch.close()
      types?.close()
      await server.close()
      process.off('uncaughtException', stray)
      process.off('unhandledRejection', stray)
    },
  }
}

/** The versions of one server: the current one takes requests, earlier ones end their streams. */
class Generations {
  readonly #options: DevServerOptions
  readonly #loader: ModuleLoader
  readonly #all = new Set<AuthorServer>()
  #current: { readonly server: AuthorServer; readonly offer: Offer } | undefined
  #listener: { readonly port: number; close(): Promise<void> } | undefined
  #environment: Promise<Record<string, unknown>> | undefined
  #turn: Promise<void> = Promise.resolve()
  #changed: readonly string[] = []
  url: string | undefined
  onLoad: () => void = () => {}

  constructor(options: DevServerOptions, loader: ModuleLoader) {
    this.#options = options
    this.#loader = loader
  }

  changed(paths: readonly string[]): Promise<void> {
    this.#changed = [...new Set([...this.#changed, ...paths])]
    return this.reload()
  }

  /** One after the other, because a slow load must not replace a later one. */
  reload(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      const paths = this.#changed
      this.#changed = []
      try {
        await this.#load(paths)
      } catch (error) {
        if (error instanceof Problem && error.exit === exitCodes.unreachable) {
          this.#options.failed(error)
          return
        }
        this.#options.screen.broken(error, this.#current !== undefined)
      }
      this.onLoad()
    })
    return this.#turn
  }

  async #load(paths: readonly string[]): Promise<void> {
    const startedAt = performance.now()
    const { screen, token } = this.#options
    const module = await this.#loader.load()
    const server = await takeServer(module, () => this.#readEnvironment())
    const before = this.#current
    const [first] = this.#all
    if (first) keepStore(first, server)
    const offer = await readOffer(server, this.#listener?.port ?? 0, token)
    if (before === undefined) await this.#listen(server, offer)
    this.#all.add(server)
    this.#current = { server, offer }
    if (before === undefined) return
    const { changes, words } = differenceOf(before.offer, offer)
    for (const change of changes) await server.notify[`${change}Changed`]()
    screen.reloaded(paths, performance.now() - startedAt, words)
  }

  async #listen(server: AuthorServer, offer: Offer): Promise<void> {
    const { screen } = this.#options
    const adapter = await this.#adapter()
    const address = adapter.readAddress()
    const current = () => this.#current?.server ?? server
    const fetch = shownFetch(
      (request, env) => current().fetch(request, env),
      (call, outcome) => screen.call(call, outcome),
    )
    const close = async () => {
      await Promise.all(Array.from(this.#all, (one) => one.close({ grace: GRACE })))
    }
    const settings = { ...address, signals: false, health: '/health' }
    try {
      this.#listener = await adapter.serve({ fetch, close }, settings)
    } catch (error) {
      throw unreachable(error, address)
    }
    const host = address.host.includes(':') ? `[${address.host}]` : address.host
    this.url = `http://${host}:${this.#listener.port}${pathOf(server)}`
    screen.started(this.url, countsOf(offer), process.stdin.isTTY === true)
    this.#options.listening(this.url)
    // Tasks that an earlier process has left in a store on another machine.
    await server.tasks.resume().catch(() => {})
  }

  /** Read once, because each reading would connect to the store again. */
  async #readEnvironment(): Promise<Record<string, unknown>> {
    this.#environment ??= (async () => {
      const { log: _, ...options } = await (await this.#adapter()).readEnvironment()
      return options
    })()
    return this.#environment
  }

  async #adapter(): Promise<NodeAdapter> {
    return (await this.#loader.importPackage('streamable-mcp/node')) as unknown as NodeAdapter
  }

  async close(): Promise<void> {
    await this.#turn
    await this.#listener?.close()
  }
}

function unreachable(error: unknown, { host, port }: { host: string; port: number }): Problem {
  const { code, message } = error as NodeJS.ErrnoException
  const reason = code === 'EADDRINUSE' ? 'another program uses it' : message
  return new Problem(`Port ${port} of ${host} cannot be listened on: ${reason}.`, {
    exit: exitCodes.unreachable,
    next: 'Choose another port: `--port 3001`, or 0 for any free one.',
    cause: error,
  })
}
