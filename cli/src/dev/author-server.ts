/** The server that the author's file exports, as far as this program uses it. */

import { exitCodes, Problem } from '../problem.ts'

export interface AuthorServer {
  fetch(request: Request, env?: object): Response | Promise<Response>
  close(options?: { grace?: number }): Promise<void>
  readonly notify: {
    toolsChanged(): Promise<void>
    promptsChanged(): Promise<void>
    resourcesChanged(): Promise<void>
  }
  readonly store: { readonly processLocal?: boolean }
  readonly app: { readonly routes: readonly { readonly path: string }[] }
  readonly tasks: { resume(): Promise<void> }
}

/** `streamable-mcp/node`, as far as this program uses it. */
export interface NodeAdapter {
  serve(
    mcp: Pick<AuthorServer, 'fetch' | 'close'>,
    options: object,
  ): Promise<{ readonly port: number; close(): Promise<void> }>
  readEnvironment(): Promise<Record<string, unknown>>
  readAddress(): { readonly port: number; readonly host: string; readonly trustProxy: boolean }
}

type Factory = (options: Record<string, unknown>) => AuthorServer | Promise<AuthorServer>

/**
 * Takes the server from a module: the default export of `createMcp()`, or what its default function or its
 * `createServer` makes from the options.
 *
 * @throws {Problem} where the module exports none
 */
export async function takeServer(
  module: Readonly<Record<string, unknown>>,
  options: () => Promise<Record<string, unknown>>,
): Promise<AuthorServer> {
  for (const value of [module.default, module.createServer]) {
    const server = typeof value === 'function' ? await (value as Factory)(await options()) : value
    if (isServer(server)) return server
  }
  throw new Problem('The file exports no server.', {
    exit: exitCodes.usage,
    next: 'Write `export default createMcp(…)`, or export a function `createServer(options)` that returns one.',
  })
}

function isServer(value: unknown): value is AuthorServer {
  return typeof value === 'object' && value !== null && 'fetch' in value && 'notify' in value
}

/**
 * Lets the memory store of a new server be the one of the server before it, so that sessions, streams and
 * values outlive a change. Stores on other machines outlive it anyway.
 */
export function keepStore(from: AuthorServer, to: AuthorServer): void {
  if (from.store === to.store || !from.store.processLocal || !to.store.processLocal) return
  Object.assign(to.store, from.store)
}

/** The path of the endpoint, which is the first route. */
export function pathOf({ app }: AuthorServer): string {
  return app.routes[0]?.path ?? '/mcp'
}
