/** A group: tools, prompts and resources that share a prefix of their names, and for whom they exist. */
import type { Schema } from '../schema/schema.ts'
import type { Access, Caller } from './access.ts'
import type { PromptHandler, PromptOptions } from './prompt.ts'
import type { Registration } from './registry.ts'
import type { ResourceHandler, ResourceOptions } from './resource.ts'
import type { ToolHandler, ToolOptions } from './tool.ts'

/** Options of a group: they hold for all that is in it, beside its own. */
export type GroupOptions = Access

/** Registration of tools, prompts and resources. */
export interface Group {
  /**
   * Offers a tool.
   *
   * @example
   * mcp.tool('add', {
   *   description: 'Adds two numbers',
   *   input: v.object({ a: v.number(), b: v.number() }),
   * }, ({ a, b }) => a + b)
   */
  tool<
    const I extends Schema | undefined = undefined,
    R = unknown,
    const S extends boolean = false,
  >(name: string, options: ToolOptions<I, R, S>, handler: ToolHandler<I, R, S>): Registration
  /** Offers a prompt. A string is one user message. */
  prompt<const I extends Schema | undefined = undefined>(
    name: string,
    options: PromptOptions<I>,
    handler: PromptHandler<I>,
  ): Registration
  /** Offers a resource under a URI, or under each URI of a template such as `file:///{name}`. */
  resource(uri: string, options: ResourceOptions, handler: ResourceHandler): Registration
  /**
   * A group of tools and prompts whose names begin with its name and `_`, for the callers that its options
   * name. Resources in it keep their URIs.
   *
   * @example
   * const db = mcp.group('db', { scopes: ['db'] })
   * db.tool('query', { description: 'Runs a query', input }, runQuery) // db_query
   */
  group(name: string, options?: GroupOptions): Group
}

/** Makes a group that registers with a server, or with another group. */
export function createGroup(
  outer: Pick<Group, 'tool' | 'prompt' | 'resource'>,
  name: string,
  shared: GroupOptions = {},
): Group {
  const group: Group = {
    tool: (tool, options, handler) =>
      outer.tool(`${name}_${tool}`, within(shared, options), handler),
    prompt: (prompt, options, handler) =>
      outer.prompt(`${name}_${prompt}`, within(shared, options), handler),
    resource: (uri, options, handler) => outer.resource(uri, within(shared, options), handler),
    group: (inner, options) => createGroup(group, inner, options),
  }
  return group
}

/** The options of an item in a group: it needs the scopes of both, and has to be visible by both. */
function within<T extends Access>(shared: GroupOptions, own: T): T {
  const [theirs, ours] = [shared.visible, own.visible]
  const visible =
    theirs && ours
      ? async (caller: Caller) => (await theirs(caller)) && (await ours(caller))
      : (theirs ?? ours)
  const scopes = [...(shared.scopes ?? []), ...(own.scopes ?? [])]
  return { ...shared, ...own, scopes, ...(visible && { visible }) }
}
