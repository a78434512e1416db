/** A resource under a URI or a URI template: what an author gives, and what the registry keeps of it. */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Annotations, ReadResourceResult } from '../protocol/types.ts'
import type { Access } from './access.ts'
import type { Context } from './context.ts'
import type { Completer, Described } from './definition.ts'
import { checkDefinition, RESOURCE_OPTIONS, requireCompleters, requireText } from './definition.ts'
import type { UriTemplate } from './uri-template.ts'
import { parseUriTemplate } from './uri-template.ts'

/** Options of a resource. A `TypeError` at registration names an option that is unknown or wrong. */
export interface ResourceOptions extends Described, Access {
  /** Names the resource for programs and people. It need not be unique. */
  name: string
  /** What the resource holds. The model may choose by it. */
  description?: string
  /** MIME type of the contents. @default `application/json` for a value; for bytes, read off their signature; none for a string */
  mimeType?: string
  /** Hints for the client: audience, priority, time of the last change. */
  annotations?: Annotations
  /** Size of the contents in bytes, if it is known. Templates have none. */
  size?: number
  /**
   * Lists resources of a template, so that `resources/list` has them: an array, or one page of them with
   * the cursor of the next one, which comes back as `ctx.cursor`. Each URI has to match the template.
   *
   * @example list: async () => (await notes.ids()).map((id) => ({ uri: `note:${id}`, name: id }))
   */
  list?(ctx: Context & { readonly cursor?: string }): MaybePromise<ResourceListing>
  /** Suggests values for the variables of a URI template, by the variable's name. */
  complete?: Record<string, Completer>
}

/** A resource of a template. What it does not tell is told by the options of the template. */
export interface ListedResource
  extends Partial<Pick<ResourceOptions, 'name' | 'title' | 'description' | 'mimeType' | 'size'>>,
    Pick<ResourceOptions, 'annotations' | 'icons' | '_meta'> {
  uri: string
}

/** What a template lists: all resources, or a page of them. */
export type ResourceListing =
  | readonly ListedResource[]
  | { readonly resources: readonly ListedResource[]; readonly nextCursor?: string | undefined }

/**
 * Reads a resource. It returns text, bytes, a value that becomes JSON, or the whole result; `undefined`
 * means that there is no such resource, and the client gets the protocol's error for that.
 *
 * `variables` come from the client, percent-decoded. No segment of them is `..`, but the value of `{name}`
 * may hold a `/`. `ctx.uri` is the URI that the client reads.
 */
export type ResourceHandler = (
  variables: Readonly<Record<string, string>>,
  ctx: Context & { readonly uri: string },
) => MaybePromise<string | Uint8Array | ReadResourceResult | object | undefined>

/** A registered resource, or a template of resources. */
export interface Resource {
  /** A URI, or a URI template. */
  readonly uri: string
  readonly options: ResourceOptions
  readonly template: UriTemplate | undefined
  readonly handler: ResourceHandler
}

/** Checks a resource's definition. Throws a `TypeError` that names the resource and what to change. */
export function createResource(
  uri: string,
  options: ResourceOptions,
  handler: ResourceHandler,
): Resource {
  const template = uri.includes('{') ? parseUriTemplate(uri) : undefined
  if (!template && !URL.canParse(uri)) throw new TypeError(`Not an absolute URI: ${uri}`)
  const what = `Resource "${uri}"`
  checkDefinition(what, 'resource(uri', options, RESOURCE_OPTIONS, handler)
  requireText(what, options, 'name', 'clients show it')
  if (options.list && !template) throw new TypeError(`${what}: only templates list`)
  requireCompleters(what, options.complete, template?.names ?? [], 'variable')
  return { uri, options, template, handler }
}
