/** `auth login`, `logout`, `status` and `refresh`, the same from a script and from the prompt. */

import type { OpenBrowser } from './browser.ts'
import type { ClientContext } from './client-context.ts'
import type { ShowLoginPage } from './login.ts'
import type { Output } from './output.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'

export const authActions = ['login', 'logout', 'status', 'refresh'] as const
export type AuthAction = (typeof authActions)[number]

export async function runAuth(
  action: AuthAction,
  context: ClientContext,
  signal: AbortSignal,
): Promise<ExitCode> {
  switch (action) {
    case 'login':
      return login(context, signal)
    case 'logout':
      return logout(context)
    case 'status':
      return status(context)
    case 'refresh':
      return refresh(context)
  }
}

async function login(
  { authorization, output, settings }: ClientContext,
  signal: AbortSignal,
): Promise<ExitCode> {
  await authorization.login(await authorization.challenge(signal), signal)
  return report(output, { authenticated: true, server: settings.url }, 'Logged in.')
}

async function logout({ store, output, settings }: ClientContext): Promise<ExitCode> {
  await store.forget(settings.url)
  return report(output, { authenticated: false, server: settings.url }, 'Logged out.')
}

async function status({ store, output, settings }: ClientContext): Promise<ExitCode> {
  const held = await store.login(settings.url)
  const tokens = held?.tokens
  if (held === undefined || tokens === undefined) {
    const environment = settings.accessToken !== undefined
    const text = environment
      ? 'No stored login; ACCESS_TOKEN is sent.'
      : 'Not logged in. → Run `auth login`.'
    report(output, { authenticated: false, server: settings.url, environment }, text)
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
    server: settings.url,
    issuer: held.issuer,
    ...(tokens.expires_at !== undefined && { expires: new Date(tokens.expires_at).toISOString() }),
    renewable,
    ...(tokens.scope !== undefined && { scope: tokens.scope }),
  }
  const renewal = renewable ? 'renewed by itself' : 'not renewable'
  report(output, details, `Logged in at ${held.issuer}: ${lifetime}, ${renewal}.`)
  return details.authenticated ? exitCodes.ok : exitCodes.unauthorized
}

async function refresh(context: ClientContext): Promise<ExitCode> {
  const { authorization, output, settings, store } = context
  const held = await store.login(settings.url)
  const renewed = await authorization.refresh(held?.tokens?.access_token)
  if (renewed === undefined) {
    throw new Problem('There is no login that could be renewed.', {
      exit: exitCodes.unauthorized,
      next: 'Run `auth login`.',
    })
  }
  return report(output, { authenticated: true, server: settings.url }, 'The login was renewed.')
}

function report(output: Output, details: object, text: string): ExitCode {
  if (output.json) output.document(details)
  else output.print(text)
  return exitCodes.ok
}

/** Prints the page in any case, and opens it where there is a browser to open. */
export function showPage(output: Output, openBrowser: OpenBrowser): ShowLoginPage {
  return async (page) => {
    output.note('Log in at this page:')
    output.note(`  ${page.href}`)
    if (await openBrowser(page)) output.note('The browser was opened; waiting for it to come back.')
    else output.note('Open it in a browser on this machine; waiting for it to come back.')
    return undefined
  }
}
