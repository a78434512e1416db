/** `auth login`, `logout`, `status` and `refresh`, the same from a script and from the prompt. */

import type { OpenBrowser } from './browser.ts'
import type { ClientContext } from './client-context.ts'
import type { ShowLoginPage } from './login.ts'
import type { Output, View } from './output.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'
import { text } from './text.ts'

export const AUTH_ACTIONS = ['login', 'logout', 'status', 'refresh'] as const
export type AuthAction = (typeof AUTH_ACTIONS)[number]

export async function runAuth(
  action: AuthAction,
  context: ClientContext,
  signal: AbortSignal,
  view: View,
): Promise<ExitCode> {
  switch (action) {
    case 'login':
      return login(context, signal, view)
    case 'logout':
      return logout(context, view)
    case 'status':
      return status(context, view)
    case 'refresh':
      return refresh(context, view)
  }
}

async function login(context: ClientContext, signal: AbortSignal, view: View): Promise<ExitCode> {
  const { authorization, settings } = context
  const server = settings.url
  const challenge = await authorization.challenge(signal)
  if (challenge === undefined) {
    const details = { authenticated: false, needed: false, server }
    return report(context, view, details, 'This server asks for no login: none is needed.')
  }
  await authorization.login(challenge, signal)
  return report(context, view, { authenticated: true, server }, 'Logged in.')
}

async function logout(context: ClientContext, view: View): Promise<ExitCode> {
  const { store, settings } = context
  await store.forget(settings.url)
  return report(context, view, { authenticated: false, server: settings.url }, 'Logged out.')
}

async function status(context: ClientContext, view: View): Promise<ExitCode> {
  const { store, settings } = context
  const server = settings.url
  const held = await store.login(server)
  const tokens = held?.tokens
  if (held === undefined || tokens === undefined) {
    if ((await store.staticToken(server)) !== undefined) {
      const details = { authenticated: true, server, staticToken: true }
      return report(context, view, details, 'The token that was entered for this server is sent.')
    }
    const environment = settings.accessToken !== undefined
    const sentence = environment
      ? 'No stored login; ACCESS_TOKEN is sent.'
      : 'Not logged in. → Run `auth login`.'
    report(context, view, { authenticated: false, server, environment }, sentence)
    return environment ? exitCodes.ok : exitCodes.unauthorized
  }
  const left = tokens.expires_at === undefined ? undefined : tokens.expires_at - Date.now()
  const renewable = tokens.refresh_token !== undefined
  const lifetime =
    left === undefined
      ? 'the issuer does not say for how long'
      : left <= 0
        ? 'the token has ended'
        : `${Math.ceil(left / 60_000)} minutes left`
  const details = {
    authenticated: left === undefined || left > 0 || renewable,
    server,
    issuer: held.issuer,
    ...(tokens.expires_at !== undefined && { expires: new Date(tokens.expires_at).toISOString() }),
    renewable,
    ...(tokens.scope !== undefined && { scope: tokens.scope }),
  }
  const renewal = renewable ? 'renewed by itself' : 'not renewable'
  report(context, view, details, `Logged in at ${held.issuer}: ${lifetime}, ${renewal}.`)
  return details.authenticated ? exitCodes.ok : exitCodes.unauthorized
}

async function refresh(context: ClientContext, view: View): Promise<ExitCode> {
  const { authorization, settings, store } = context
  const held = await store.login(settings.url)
  const renewed = await authorization.refresh(held?.tokens?.access_token)
  if (renewed === undefined) {
    throw new Problem('There is no login that could be renewed.', {
      exit: exitCodes.unauthorized,
      next: 'Run `auth login`.',
    })
  }
  return report(
    context,
    view,
    { authenticated: true, server: settings.url },
    'The login was renewed.',
  )
}

function report(
  { output }: ClientContext,
  view: View,
  details: object,
  sentence: string,
): ExitCode {
  output.result(details, () => text`${sentence}`, view)
  return exitCodes.ok
}

/** Prints the page's address, and opens the page if there is a browser. */
export function showPage(output: Output, openBrowser: OpenBrowser): ShowLoginPage {
  return async (page) => {
    output.note(text`Log in at this page:`)
    output.note(text`  ${page.href}`)
    if (await openBrowser(page))
      output.note(text`The browser was opened; waiting for it to come back.`)
    else output.note(text`Open it in a browser on this machine; waiting for it to come back.`)
    return undefined
  }
}
