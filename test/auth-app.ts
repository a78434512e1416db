/** The smallest app that treats an `Auth` as the server does. */

import { Hono } from 'hono'
import { type Auth, AuthError, AuthUnavailable, type Door } from '../src/auth/auth.ts'

export function createAuthApp(auth: Auth, door: Door = {}) {
  const app = new Hono()
  for (const route of auth.routes ?? []) {
    app.on(route.method, route.path, (context) => route.handle(context.req.raw, door))
  }
  app.all('/mcp', async ({ req }) => {
    try {
      const principal = await auth.verify(req.raw, door)
      const scopes = req.header('x-needs')?.split(' ') ?? []
      if (!scopes.every((scope) => principal.scopes.includes(scope))) {
        throw new AuthError('The tool needs more scopes.', { code: 'insufficient_scope', scopes })
      }
      return Response.json(principal)
    } catch (error) {
      if (error instanceof AuthError) return auth.challenge(error, door)
      if (error instanceof AuthUnavailable) {
        return new Response(null, {
          status: 503,
          headers: { 'retry-after': String(error.retryAfter) },
        })
      }
      throw error
    }
  })
  return app
}

/** One call with these headers; what the app answered. */
export async function call(
  app: Pick<Hono, 'request'>,
  authorization?: string,
  { path = '/mcp', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
) {
  const response = await app.request(path, {
    method: 'POST',
    headers: { ...(authorization === undefined ? {} : { authorization }), ...headers },
  })
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    headers: response.headers,
    body: response.headers.get('content-type')?.startsWith('application/json')
      ? await response.json()
      : await response.text(),
  }
}
