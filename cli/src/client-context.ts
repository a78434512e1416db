/** The parts of a client put together: settings, logins, and a connection that uses them. */

import type { FetchLike, LoggingLevel } from '@modelcontextprotocol/client'
import type { Responder } from './answers.ts'
import { Authorization } from './authorization.ts'
import { Connection } from './connection.ts'
import { debugFetch } from './debug.ts'
import type { ShowLoginPage } from './login.ts'
import type { Operation } from './operations.ts'
import type { Output } from './output.ts'
import { printable } from './output.ts'
import { notificationText } from './present.ts'
import type { Settings } from './settings.ts'
import { TokenStore } from './token-store.ts'

export interface ClientContextOptions {
  readonly settings: Settings
  readonly output: Output
  readonly responder: Responder
  /** How a login page reaches the user. */
  readonly showLoginPage: ShowLoginPage
  /** Log in when an operation turns out to need it, and not only when told to. */
  readonly loginWhenNeeded: boolean
  readonly listen: boolean
  /** Milliseconds. */
  readonly timeout: number
  readonly logLevel?: LoggingLevel | undefined
}

export interface ClientContext extends ClientContextOptions {
  /** Every exchange, shown while debugging; sends no token by itself. */
  readonly http: FetchLike
  readonly store: TokenStore
  readonly authorization: Authorization
  readonly connection: Connection
  logLevel?: LoggingLevel | undefined
  operation(signal: AbortSignal): Operation
}

export function createClientContext(options: ClientContextOptions): ClientContext {
  const { settings, output, responder, showLoginPage, listen } = options
  const http = debugFetch((url, init) => fetch(url, init), settings, output)
  const store = new TokenStore(settings.folder)
  const authorization = new Authorization({
    settings,
    store,
    showLoginPage,
    loginWhenNeeded: options.loginWhenNeeded,
    fetch: http,
  })
  const connection = new Connection({
    settings,
    authorization,
    responder,
    listen,
    events: {
      notified(method, params) {
        const text = notificationText(method, params, output)
        if (text !== undefined) output.note(text)
      },
      renewed: () =>
        output.note(
          output.style('yellow', 'The server had ended the session; a new one was opened.'),
        ),
      trouble(error) {
        if (settings.debug) output.note(output.style('dim', `! ${printable(error.message)}`))
      },
    },
  })
  return {
    ...options,
    http,
    store,
    authorization,
    connection,
    operation(signal) {
      const { timeout, logLevel } = this
      return { connection, output, signal, timeout, logLevel }
    },
  }
}

/** Logs, and what the library prints by itself, must not mix with results on stdout. */
export function redirectConsole(settings: Settings, output: Output): void {
  const say = (...values: unknown[]): void => {
    if (settings.debug) output.note(output.style('dim', printable(values.map(String).join(' '))))
  }
  console.debug = say
  console.info = say
  console.log = say
  console.warn = say
}
