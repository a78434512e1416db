/** Where this server says it is, and the RFC 9728 document in which it says who issues its tokens. */

import type { AuthRoute, Platform } from './auth.ts'

/** The public names of this server. */
export interface PublicUrl {
  /** RFC 8707 identifier: exactly the URL that clients call. */
  readonly resource: string
  /** Where the app is mounted, without a trailing slash. */
  readonly base: string
}

const wellKnown = '/.well-known/oauth-protected-resource'

/**
 * From configuration, else from what the host itself says; a request's headers have no say, or a
 * stranger's `Host` would end up in documents that clients trust.
 */
export function createPlace(
  resource: string | undefined,
  path: string,
): (platform: Platform) => PublicUrl | undefined {
  const below = path === '/' ? '' : path
  if (resource === undefined) {
    return ({ baseUrl }) =>
      baseUrl === undefined ? undefined : { resource: `${baseUrl}${below}`, base: baseUrl }
  }
  const { origin, pathname } = new URL(resource)
  const full = pathname.replace(/\/$/, '')
  if (!full.endsWith(below)) return ({ baseUrl }) => ({ resource, base: baseUrl ?? origin })
  const here = { resource, base: `${origin}${full.slice(0, full.length - below.length)}` }
  return () => here
}

/**
 * Where the document is: the path form, which names the resource (RFC 9728 section 3.1). It is
 * spelled below the mount, since behind a stage prefix the root of the origin is not ours to serve.
 */
export const resourceMetadataUrl = ({ base }: PublicUrl, path: string): string =>
  `${base}${wellKnown}${path === '/' ? '' : path}`

export interface ResourceMetadataOptions {
  path: string
  place: (platform: Platform) => PublicUrl | undefined
  authorizationServers: (place: PublicUrl) => readonly string[]
  scopes: readonly string[]
  /** Path of the configured resource, where it differs from ours. */
  resource: string | undefined
}

/** Serves the document at the root and at the path form, for clients that derive either. */
export function createResourceMetadataRoutes(options: ResourceMetadataOptions): AuthRoute[] {
  const { path, place, authorizationServers, scopes, resource } = options
  const paths = new Set([wellKnown])
  for (const suffix of [path, resource === undefined ? '/' : new URL(resource).pathname]) {
    paths.add(`${wellKnown}${suffix.replace(/\/$/, '')}`)
  }
  const handle = (_request: Request, platform: Platform) => {
    const here = requirePlace(place(platform))
    return publicDocument({
      resource: here.resource,
      authorization_servers: authorizationServers(here),
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      bearer_methods_supported: ['header'],
    })
  }
  return Array.from(paths, (path) => ({ method: 'GET', path, handle }))
}

export function requirePlace(place: PublicUrl | undefined): PublicUrl {
  if (place) return place
  throw new Error(
    'The server does not know its public URL: set `resource` (MCP_RESOURCE_URL), or use a platform that tells it.',
  )
}

/** Any page may read it: it holds nothing that belongs to a caller. */
export const publicDocument = (document: object): Response =>
  Response.json(document, {
    headers: { 'cache-control': 'public, max-age=3600', 'access-control-allow-origin': '*' },
  })
