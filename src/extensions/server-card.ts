/** `serverCard()`: public documents by which clients find the server before they connect (SEP-2127). */
import type { Mcp } from '../mcp-interface.ts'
import { LEGACY_REVISIONS, MODERN_REVISIONS } from '../protocol/revisions.ts'

/** Options of the server card. */
export interface ServerCardOptions {
  /** The server's name as a reversed domain name, a slash and a name: `com.example/weather`. */
  name: string
  /** The public URL of the endpoint: `https://example.com/mcp`. */
  url: string
  /** What the server is for, in 100 characters at most. @default the server's own `description` */
  description?: string
  /** The path of the endpoint within the app. @default the path of `url` */
  path?: string
  /** Where the source code is. */
  repository?: { url: string; source: string; subfolder?: string; id?: string }
  /** HTTP headers that clients need, such as an API key, which they ask their user for. */
  headers?: {
    name: string
    description?: string
    isRequired?: boolean
    isSecret?: boolean
    [member: string]: unknown
  }[]
  /**
   * Also serve `/.well-known/ai-catalog.json`, which lists the card. Turn it off where the domain has a
   * catalog already, and list the card there. @default true
   */
  catalog?: boolean
  /** Seconds that the documents may be cached. @default 3600 */
  maxAge?: number
}

const CARD_SCHEMA = 'https://static.modelcontextprotocol.io/schemas/v2/server-card.schema.json'
const CARD_TYPE = 'application/mcp-server-card+json'
const CATALOG_TYPE = 'application/ai-catalog+json'

/** The longest name, title and description that the schema allows, in characters. */
const LONGEST_NAME = 200
const LONGEST_TEXT = 100

/**
 * Serves the server card at the endpoint's URL with `/server-card` added, and a catalog with it. Both are
 * public, also where the endpoint needs a token: they tell who the server is and how to connect, never
 * its tools. Call it before the first request.
 *
 * @example serverCard(mcp, { name: 'com.example/weather', url: 'https://example.com/mcp', description: 'Forecasts' })
 */
export function serverCard(mcp: Mcp, options: ServerCardOptions): void {
  const { name, url, repository, headers, catalog = true, maxAge = 3_600 } = options
  const { version, title, websiteUrl, icons, description: own } = mcp.info
  const description = options.description ?? own ?? ''
  if (!/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/.test(name) || name.length > LONGEST_NAME) {
    throw new TypeError(`The server card needs a name such as com.example/weather, not "${name}"`)
  }
  if (description === '' || description.length > LONGEST_TEXT) {
    throw new TypeError(`The server card needs a description of 1 to ${LONGEST_TEXT} characters`)
  }
  if (!/^https?:\/\/\S+$/.test(url)) {
    throw new TypeError(`The server card needs the public URL of the endpoint, not "${url}"`)
  }
  const { pathname } = new URL(url)
  const path = (options.path ?? pathname).replace(/\/$/, '')
  const cardUrl = `${url.replace(/\/$/, '')}/server-card`
  serve(mcp, `${path}/server-card`, CARD_TYPE, maxAge, {
    $schema: CARD_SCHEMA,
    name,
    version,
    description,
    ...(title && { title: title.slice(0, LONGEST_TEXT) }),
    ...(websiteUrl && { websiteUrl }),
    ...(icons && { icons }),
    ...(repository && { repository }),
    remotes: [
      {
        type: 'streamable-http',
        url,
        ...(headers && { headers }),
        supportedProtocolVersions: [...LEGACY_REVISIONS, ...MODERN_REVISIONS],
      },
    ],
  })
  if (!catalog) return
  const [prefix = '', label = ''] = name.split('/')
  const publisher = prefix.split('.').reverse().join('.')
  serve(mcp, '/.well-known/ai-catalog.json', CATALOG_TYPE, maxAge, {
    specVersion: '0.9',
    entries: [
      {
        identifier: `urn:air:${publisher}:${label}`,
        displayName: title ?? mcp.info.name,
        type: CARD_TYPE,
        url: cardUrl,
      },
    ],
  })
}

/** Serves a document that everybody, and a page of any origin, may read. */
function serve({ app }: Mcp, path: string, type: string, maxAge: number, document: object): void {
  const body = JSON.stringify(document)
  const cors = { 'access-control-allow-origin': '*' }
  app.get(path, () => {
    const headers = { ...cors, 'content-type': type, 'cache-control': `public, max-age=${maxAge}` }
    return new Response(body, { headers })
  })
  app.options(path, () => {
    const allowed = 'Content-Type, Accept, MCP-Protocol-Version'
    const headers = {
      ...cors,
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': allowed,
    }
    return new Response(null, { status: 204, headers })
  })
}
