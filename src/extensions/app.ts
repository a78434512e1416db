/** `app()`: a page that clients show for the results of tools (MCP Apps, SEP-1865, revision 2026-01-26). */
import type { Access, Caller } from '../handlers/access.ts'
import type { Context } from '../handlers/context.ts'
import { isObject } from '../lib/is-object.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Mcp } from '../mcp-interface.ts'
import type { Icon } from '../protocol/types.ts'
import { extension } from './extension.ts'

const APPS_EXTENSION = 'io.modelcontextprotocol/ui'
/** The only type of a page that the extension knows. */
const PAGE_TYPE = 'text/html;profile=mcp-app'

/** Who may call a tool: the model, the page, or both. */
export type AppVisibility = 'model' | 'app'

/** Options of a page. It exists for the same callers as its tools only if it has the same `scopes` and `visible`. */
export interface AppOptions extends Access {
  /**
   * The whole HTML document, scripts and styles included. A function is called when a client reads the
   * page, so that a start does not have to load it.
   */
  html: string | (() => MaybePromise<string>)
  /** A name for people. */
  title?: string
  /** What the page shows. */
  description?: string
  /** Images that clients may show. */
  icons?: Icon[]
  /**
   * The origins that the page needs, such as `https://api.example.com` or `https://*.example.com`. The
   * client blocks all others. @default none: the page can reach nothing outside of itself
   */
  csp?: {
    /** For fetch, XHR and WebSocket. */
    connectDomains?: string[]
    /** For scripts, styles, images, fonts and media. */
    resourceDomains?: string[]
    /** For frames within the page. */
    frameDomains?: string[]
    /** For the `base` element. */
    baseUriDomains?: string[]
  }
  /** What the page asks the browser for. The client may refuse. @default nothing */
  permissions?: {
    camera?: object
    microphone?: object
    geolocation?: object
    clipboardWrite?: object
  }
  /** An origin of its own for the page, in the form that the client documents. */
  domain?: string
  /** Whether the client draws a border and a background around the page. @default the client decides */
  prefersBorder?: boolean
}

/** A page of a server, for the option `ui` of its tools. Made by {@link app}. */
export interface App {
  /** The URI of the page: `ui://` and its name. */
  readonly uri: string
  /** What the tools of the page carry in lists. */
  readonly _meta: Record<string, unknown>
  /**
   * The same page for a tool that not everybody calls: clients hide a tool for `'app'` from the model.
   *
   * @example mcp.tool('refresh', { description: 'Newer data', ui: page.visibleTo('app') }, refresh)
   */
  visibleTo(...who: AppVisibility[]): App
}

/** An origin, whose host may begin with `*.`. Anything else could end a directive of the client's policy. */
const ORIGIN = /^(https?|wss?):\/\/(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/i

/** Announces that tools have pages. All servers share it. */
const APPS = /* @__PURE__ */ extension(APPS_EXTENSION)

/**
 * Adds a page to a server, as the resource `ui://` and its name. A tool with this page as its `ui` is shown
 * by it in clients with MCP Apps; other clients show the content of the result, as ever.
 *
 * @param name Segments of letters, digits, `-`, `_` and `.`, separated by slashes: `weather/chart`.
 * @example
 * const chart = app(mcp, 'weather-chart', { html: () => readFile('chart.html', 'utf8') })
 * mcp.tool('forecast', { description: 'The next days', ui: chart }, () => forecast())
 */
export function app(mcp: Mcp, name: string, options: AppOptions): App {
  const { html, title, description, icons, csp, permissions, domain, prefersBorder } = options
  const { scopes, stepUp, visible } = options
  const what = `App "${name}"`
  if (!/^[a-z0-9][\w.-]*(\/[\w.-]+)*$/i.test(name)) {
    throw new TypeError(`${what} needs a name such as weather-chart`)
  }
  if (typeof html !== 'function' && (typeof html !== 'string' || html === '')) {
    throw new TypeError(`${what} needs html: a document, or a function that returns it`)
  }
  for (const origin of Object.values(csp ?? {}).flat()) {
    if (!ORIGIN.test(origin)) {
      throw new TypeError(`${what} names "${origin}", which is not an origin: https://example.com`)
    }
  }
  const uri = `ui://${name}`
  const ui = {
    ...(csp && { csp }),
    ...(permissions && { permissions }),
    ...(domain && { domain }),
    ...(prefersBorder !== undefined && { prefersBorder }),
  }
  const _meta = Object.keys(ui).length > 0 ? { ui } : undefined
  mcp.extend(APPS)
  mcp.resource(
    uri,
    {
      name,
      mimeType: PAGE_TYPE,
      ...(title && { title }),
      ...(description && { description }),
      ...(icons && { icons }),
      ...(_meta && { _meta }),
      ...(scopes && { scopes }),
      ...(stepUp && { stepUp }),
      ...(visible && { visible }),
    },
    async () => ({
      contents: [
        {
          uri,
          mimeType: PAGE_TYPE,
          text: typeof html === 'function' ? await html() : html,
          ...(_meta && { _meta }),
        },
      ],
    }),
  )
  return createApp(uri, undefined)
}

function createApp(uri: string, visibility: readonly AppVisibility[] | undefined): App {
  const ui = { resourceUri: uri, ...(visibility && { visibility }) }
  return {
    uri,
    // Hosts from before the release read the flat member.
    _meta: { ui, 'ui/resourceUri': uri },
    visibleTo: (...who) => createApp(uri, who),
  }
}

/**
 * Whether the client shows pages: then a tool may leave out what the page draws anyway, such as an image.
 *
 * Given as `visible`, it hides a tool that only pages call from clients without pages.
 *
 * @example return showsApps(ctx) ? [text(summary)] : [text(summary), image(await draw())]
 * @example mcp.tool('refresh', { description: 'Newer data', ui: page.visibleTo('app'), visible: showsApps }, refresh)
 */
export function showsApps(client: Context | Caller): boolean {
  const { capabilities } = 'request' in client ? client.request : client
  const declared: unknown = capabilities.extensions?.[APPS_EXTENSION]
  if (!isObject(declared)) return false
  const { mimeTypes } = declared
  return !Array.isArray(mimeTypes) || mimeTypes.includes(PAGE_TYPE)
}
