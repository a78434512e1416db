/** `resources/subscribe` and `resources/unsubscribe` of 2025. */
import type { LegacyMethodCall } from './call.ts'
import { invalidParams, methodNotFound } from './errors.ts'
import { requireResource } from './resources-read.ts'
import { EMPTY_RESULT } from './results.ts'

/** Resources that one listener, or one session, may follow: each published change is looked up among them. */
export const MOST_FOLLOWED = 500

/** Characters of their URIs together: they are kept with the listener, and read with each call of the session. */
export const LONGEST_FOLLOWED = 100_000

export async function subscribe(call: LegacyMethodCall): Promise<string> {
  const uri = requireUri(call)
  requireResource(call, uri)
  await call.setSubscriptions((uris) => {
    if (uris.includes(uri)) return uris
    const length = uris.reduce((sum, other) => sum + other.length, uri.length)
    if (uris.length >= MOST_FOLLOWED || length > LONGEST_FOLLOWED) {
      const most = `${MOST_FOLLOWED} resources, of ${LONGEST_FOLLOWED} characters together`
      throw invalidParams(`A session can subscribe to ${most} at most`)
    }
    return [...uris, uri]
  })
  return EMPTY_RESULT
}

export async function unsubscribe(call: LegacyMethodCall): Promise<string> {
  const uri = requireUri(call)
  await call.setSubscriptions((uris) => uris.filter((other) => other !== uri))
  return EMPTY_RESULT
}

function requireUri({ server, method, params }: LegacyMethodCall): string {
  if (!server.listening) throw methodNotFound(method)
  if (typeof params.uri !== 'string') throw invalidParams('uri must be a string')
  return params.uri
}
