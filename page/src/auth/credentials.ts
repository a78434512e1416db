/** The access token of this tab. It is kept until the tab is closed, and sent to nothing but the endpoint. */
import { isObject, parseJson, textOf } from '../json.ts'

export interface Credentials {
  readonly accessToken: string
  /** What is needed to renew a login. A token that was typed in has none of it. */
  readonly refreshToken?: string | undefined
  readonly tokenEndpoint?: string | undefined
  readonly clientId?: string | undefined
  readonly scope?: string | undefined
}

const KEY = `mcp-page:${location.pathname}`

export function loadCredentials(): Credentials | undefined {
  try {
    const kept = parseJson(sessionStorage.getItem(KEY) ?? '')
    return isObject(kept) ? toCredentials(kept) : undefined
  } catch {
    // A browser may refuse storage; the login then lasts until the page is left.
    return undefined
  }
}

function toCredentials(kept: Record<string, unknown> | object): Credentials | undefined {
  const { accessToken, refreshToken, tokenEndpoint, clientId, scope } = kept as Record<
    string,
    unknown
  >
  const token = textOf(accessToken)
  if (token === undefined) return undefined
  return {
    accessToken: token,
    refreshToken: textOf(refreshToken),
    tokenEndpoint: textOf(tokenEndpoint),
    clientId: textOf(clientId),
    scope: textOf(scope),
  }
}

export function saveCredentials(credentials: Credentials | undefined): void {
  try {
    if (credentials) sessionStorage.setItem(KEY, JSON.stringify(credentials))
    else sessionStorage.removeItem(KEY)
  } catch {
    // As above.
  }
}

/** Asks a token endpoint. Throws an error with the reason that it gives (RFC 6749, section 5.2). */
export async function requestToken(
  endpoint: string,
  form: Readonly<Record<string, string>>,
): Promise<Credentials> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
    body: new URLSearchParams(form),
    credentials: 'omit',
    cache: 'no-store',
  })
  const answer: unknown = await response.json().catch(() => ({}))
  if (!isObject(answer)) throw new Error('The token endpoint did not answer with JSON.')
  const accessToken = textOf(answer.access_token)
  if (!response.ok || accessToken === undefined) {
    const why = textOf(answer.error_description) ?? textOf(answer.error)
    throw new Error(`The token endpoint answered ${response.status}: ${why ?? 'no reason'}`)
  }
  const type = textOf(answer.token_type)
  if (type !== undefined && type.toLowerCase() !== 'bearer') {
    throw new Error(`The token is of type ${type}, and this page knows Bearer alone.`)
  }
  return {
    accessToken,
    refreshToken: textOf(answer.refresh_token) ?? form.refresh_token,
    tokenEndpoint: endpoint,
    clientId: form.client_id,
    scope: textOf(answer.scope),
  }
}

/** Renews a login. Returns undefined where it cannot be renewed. */
export async function refreshLogin(
  credentials: Credentials | undefined,
): Promise<Credentials | undefined> {
  const { refreshToken, tokenEndpoint, clientId } = credentials ?? {}
  if (!refreshToken || !tokenEndpoint || !clientId) return undefined
  // The login is used once: a second refusal asks the person.
  saveCredentials(undefined)
  try {
    return await requestToken(tokenEndpoint, {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: clientId,
      resource: location.origin + location.pathname,
    })
  } catch {
    return undefined
  }
}
