/** The parts of a client put together: settings, logins, and a connection that uses them. */

import type { FetchLike, LoggingLevel } from '@modelcontextprotocol/client'
import type { Responder } from './answers.ts'
import { Authorization } from './authorization.ts'
import { Connection } from './connection.ts'
import { debugFetch } from './debug.ts'
import type { Ask } from './form-dialog.ts'
import { limitedFetch, MESSAGE_LIMIT } from './limits.ts'
import type { ShowLoginPage } from './login.ts'
import type { Operation } from './operations.ts'
import type { Output, View } from './output.ts'
import { notificationText } from './present.ts'
import { SessionHandle } from './session-handle.ts'
import type { Settings } from './settings.ts'
import { TaskList } from './task-list.ts'
import { block, text } from './text.ts'
import { TokenStore } from './token-store.ts'

export interface ClientContextOptions {
  readonly settings: Settings
  readonly output: Output
  readonly responder: Responder
  /** Shows a login page to the user. */
  readonly showLoginPage: ShowLoginPage
  /** Log in when an operation needs it, and not only when the user asks for it. */
  readonly loginWhenNeeded: boolean
  readonly listen: boolean
  /** Whether commands come from the interactive session and not from one command line. */
  readonly interactive: boolean
  /** Asks the person at the terminal, if there is one. */
  readonly ask?: Ask | undefined
  readonly readInput: () => Promise<string>
  /** Milliseconds. */
  readonly timeout: number
  readonly logLevel?: LoggingLevel | undefined
}

export interface ClientContext extends ClientContextOptions {
  /** A `fetch` that shows each request and response while debugging. It adds no token. */
  readonly http: FetchLike
  readonly store: TokenStore
  readonly authorization: Authorization
  readonly connection: Connection
  readonly handle: SessionHandle
  logLevel?: LoggingLevel | undefined
  operation(
    signal: AbortSignal,
    options?: { view?: View; save?: string | undefined; detach?: boolean | undefined },
  ): Operation
  /** Calls a function at each notification of a method. Returns a function that stops this. */
  onNotification(method: string, callback: () => void): () => void
}

export function createClientContext(options: ClientContextOptions): ClientContext {
  const { settings, output, responder, showLoginPage, listen, ask, readInput } = options
  const http = debugFetch(
    limitedFetch(
      (url, init) => fetch(url, init),
      MESSAGE_LIMIT,
      ({ message }) => output.note(output.style('yellow', message)),
    ),
    settings,
    output,
  )
  const store = new TokenStore(settings.folder)
  const authorization = new Authorization({
    settings,
    store,
    showLoginPage,
    loginWhenNeeded: options.loginWhenNeeded,
    fetch: http,
    ask,
  })
  const listeners = new Set<{ readonly method: string; readonly callback: () => void }>()
  const connection = new Connection({
    settings,
    authorization,
    responder,
    listen,
    events: {
      notified(method, params) {
        const line = notificationText(method, params, output)
        if (line !== undefined) output.note(line)
        for (const listener of listeners) if (listener.method === method) listener.callback()
      },
      renewed: () =>
        output.note(
          output.style('yellow', 'The server had ended the session; a new one was opened.'),
        ),
      trouble(error) {
        if (settings.debug) output.note(output.style('dim', text`! ${error.message}`))
      },
    },
  })
  const handle = new SessionHandle()
  return {
    ...options,
    http,
    store,
    authorization,
    connection,
    handle,
    operation(signal, { view = output.view, save, detach } = {}) {
      const { timeout, logLevel } = this
      const tasks = new TaskList(settings.folder, settings.url)
      return {
        ...{ connection, output, view, signal, timeout, logLevel, handle, save, detach },
        ...{ tasks, responder, readInput, ask },
      }
    },
    onNotification(method, callback) {
      const listener = { method, callback }
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Sends messages of libraries to stderr, because stdout is for results only. */
export function redirectConsole(settings: Settings, output: Output): void {
  const say = (...values: unknown[]): void => {
    if (settings.debug) output.note(output.style('dim', block(values.map(String).join(' '))))
  }
  console.debug = say
  console.info = say
  console.log = say
  console.warn = say
}
