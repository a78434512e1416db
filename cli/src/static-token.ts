/** Handles servers without OAuth, which want a token from their operator. */

import type { FetchLike } from '@modelcontextprotocol/client'
import { discoverOAuthServerInfo } from '@modelcontextprotocol/client'
import type { Ask } from './form-dialog.ts'
import type { Challenge } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'
import { text } from './text.ts'

/** Tells the user how to give the token without a terminal. */
export const HOW_TO_GIVE_TOKEN = 'Set ACCESS_TOKEN, or run `auth login` at a terminal to enter it.'

/** Whether the server names an issuer neither in its challenge nor at its well-known URLs. */
export async function lacksOAuth(
  server: string,
  challenge: Challenge,
  fetch: FetchLike,
): Promise<boolean> {
  if (challenge.resourceMetadataUrl !== undefined) return false
  try {
    const found = await discoverOAuthServerInfo(server, { fetchFn: fetch })
    return found.resourceMetadata === undefined && found.authorizationServerMetadata === undefined
  } catch {
    // Metadata that cannot be read counts as metadata, too, and the login reports the error in it.
    return false
  }
}

/** Asks for the token, does not show it, and checks that the server accepts it. */
export async function enterToken(
  server: string,
  { ask, fetch }: { readonly ask: Ask | undefined; readonly fetch: FetchLike },
  signal: AbortSignal,
): Promise<string> {
  if (ask === undefined) {
    throw new Problem('The server wants a token of its operator, and there is no login for it.', {
      exit: exitCodes.unauthorized,
      next: HOW_TO_GIVE_TOKEN,
    })
  }
  const { host } = new URL(server)
  const question = text`Token for ${host} (not shown): `
  const token = (await ask(question, signal, { hidden: true })).trim()
  const response = await probe(server, fetch, signal, token)
  if (token !== '' && response.status !== 401 && response.status !== 403) return token
  throw new Problem('The server refuses this token.', {
    exit: exitCodes.unauthorized,
    next: 'Ask the operator of the server for a token.',
  })
}

/** Sends a request without effect. Its status tells whether the server accepts the caller. */
export async function probe(
  server: string,
  fetch: FetchLike,
  signal: AbortSignal,
  token?: string,
): Promise<Response> {
  const response = await fetch(server, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 'login', method: 'ping' }),
    signal,
  })
  await response.body?.cancel()
  return response
}
