/** The public URL of this server, and its protected resource metadata (RFC 9728), which names the issuers. */

import type { AuthRoute, Platform } from './auth.ts'

/** The public URL of this server. */
export interface PublicUrl {
  /** Exactly the URL that clients call: the resource identifier of RFC 8707. */
  readonly resource: string
  /** The URL under which the app is mounted, without a trailing slash. */
  readonly base: string
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * Returns a function that finds the public URL: from the configuration, or else from the host. Headers
 * of a request are not used, because a forged `Host` would get into documents that clients trust.
 */
export function createPublicUrl(
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
  const configured = { resource, base: `${origin}${full.slice(0, full.length - below.length)}` }
  return () => configured
}

/**
 * The URL of the document: `WELL_KNOWN` followed by the path of the resource (RFC 9728 section 3.1). It
 * is below the URL of the mount, because behind a stage prefix the root of the origin is not served here.
 */
export const resourceMetadataUrl = ({ base }: PublicUrl, path: string): string =>
  `${base}${WELL_KNOWN}${path === '/' ? '' : path}`

export interface ResourceMetadataOptions {
  path: string
  publicUrl: (platform: Platform) => PublicUrl | undefined
  authorizationServers: (url: PublicUrl) => readonly string[]
  scopes: readonly string[]
  /** The configured resource, whose path may differ from `path`. */
  resource: string | undefined
}

/** Serves the document with and without the path of the resource, because clients look for either. */
export function createResourceMetadataRoutes(options: ResourceMetadataOptions): AuthRoute[] {
  const { path, publicUrl, authorizationServers, scopes, resource } = options
  const paths = new Set([WELL_KNOWN])
  for (const suffix of [path, resource === undefined ? '/' : new URL(resource).pathname]) {
    paths.add(`${WELL_KNOWN}${suffix.replace(/\/$/, '')}`)
  }
  const handle = (_request: Request, platform: Platform) => {
    const url = requirePublicUrl(publicUrl(platform))
    return publicDocument({
      resource: url.resource,
      authorization_servers: authorizationServers(url),
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      bearer_methods_supported: ['header'],
    })
  }
  return Array.from(paths, (path) => ({ method: 'GET', path, handle }))
}

/** Throws when the public URL is not known. */
export function requirePublicUrl(url: PublicUrl | undefined): PublicUrl {
  if (url) return url
  throw new Error(
    'The server does not know its public URL: set `resource` (MCP_RESOURCE_URL), or use a platform that tells it.',
  )
}

/** Creates a response that any page may read, because it contains nothing about a caller. */
export const publicDocument = (document: object): Response =>
  Response.json(document, {
    headers: { 'cache-control': 'public, max-age=3600', 'access-control-allow-origin': '*' },
  })
