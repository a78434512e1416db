/** What `createMcp()` returns: what an author registers with, and the functions that serve requests. */

import type { Hono } from 'hono'
import type { Bindings } from './app.ts'
import type { Extension } from './extensions/extension.ts'
import type { Notify } from './handlers/context.ts'
import type { Group } from './handlers/group.ts'

import type { AddedMiddleware, CallKind, Middleware } from './handlers/middleware.ts'
import type { PromptHandler, PromptOptions } from './handlers/prompt.ts'
import type { Registration } from './handlers/registry.ts'
import type { ResourceHandler, ResourceOptions } from './handlers/resource.ts'
import type { ToolHandler, ToolOptions } from './handlers/tool.ts'
import type { Revision } from './protocol/revisions.ts'
import type { Implementation } from './protocol/types.ts'
import type { Store } from './state/store.ts'
import type { TaskRef, Turn, TurnOptions } from './tasks/runner.ts'

/** Everything that a server offers, by name or URI, for adapters that offer it elsewhere. */
export interface Registered {
  readonly tools: ReadonlyMap<
    string,
    {
      readonly options: ToolOptions
      readonly handler: ToolHandler<undefined>
      /** A tool with `task`, or the one that serves the results of such tools. */
      readonly durable: boolean
    }
  >
  readonly prompts: ReadonlyMap<
    string,
    { readonly options: PromptOptions; readonly handler: PromptHandler<undefined> }
  >
  readonly resources: ReadonlyMap<
    string,
    { readonly options: ResourceOptions; readonly handler: ResourceHandler }
  >
  /** Resources under URI templates. */
  readonly templates: Registered['resources']
  /** The settings of the extensions, by their names. */
  readonly extensions?: {
    /** Those of one revision; undefined without any. */
    settings(revision: Revision): Record<string, object> | undefined
  }
}

/** A server: registration of tools, prompts and resources, and the functions that serve requests. */
export interface Mcp extends Group {
  /**
   * Runs a function around calls: around each call of a tool, a prompt, a resource, a list or a completion,
   * or around those of one kind. The one that is added first is the outermost. It runs after authorization
   * and validation, each time the handler runs.
   *
   * @example
   * mcp.use('tool', async (call, next) => {
   *   if (await isOff(call.name)) throw failure('This tool is switched off today')
   *   return next()
   * })
   */
  use(middleware: Middleware): void
  /** The same around the calls of one kind: `call` and the result have its types. */
  use<K extends CallKind>(kind: K, middleware: Middleware<K>): void
  /**
   * Adds an extension of the protocol: its name and settings are announced, and its methods are answered.
   *
   * @example mcp.extend(extension('com.example/notes', { settings: { search: true } }))
   */
  extend(extension: Extension): Registration
  /** What is registered now. */
  readonly registered: Registered
  /** What `use()` has added, from the outermost one on. */
  readonly middleware: readonly AddedMiddleware[]
  /** Tells all clients that something changed, from outside a call. Resolves when it is durable. */
  readonly notify: Notify
  /** The calls of tools with `task`, for their runners. */
  readonly tasks: {
    /** Runs one turn of a task: what a runner on another host calls. */
    turn(task: TaskRef, options: TurnOptions): Promise<Turn>
    /**
     * Takes over the tasks that earlier processes have left. A server that lives long calls it when it
     * starts, as `serve()` does; otherwise it happens with the first task.
     */
    resume(): Promise<void>
    /**
     * Keeps what `Runner.wake` gets at the next answer, for a task that waits. Returns what it waits for,
     * or `again` when there is already something to do.
     */
    setWakeToken(task: TaskRef, token: string): Promise<Turn>
  }
  /** Where sessions, streams and handles are kept: the option of that name, or its default. */
  readonly store: Store
  /** The server's name and version, as clients are told them. */
  readonly info: Implementation
  /** The routes, to be mounted in another app: `app.route('/', mcp.app)`. */
  readonly app: Hono<{ Bindings: Bindings }>
  /** Seconds of silence that Bun allows, when it serves the default export: the most that it takes. */
  readonly idleTimeout: number
  /** The whole server as one function. An adapter passes what the host knows as `env.platform`. */
  readonly fetch: (request: Request, env?: Bindings) => Response | Promise<Response>
  /**
   * Ends listening streams at once, gives running calls the time to finish (milliseconds), then ends
   * them with an error.
   */
  close(options?: { grace?: number }): Promise<void>
}
