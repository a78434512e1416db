/** `skills()`: Agent Skills served as resources (SEP-2640), on any runtime. */
import type { ExtensionContext, Mcp } from '../src/index.ts'
import { extension, McpError } from '../src/index.ts'
import type { SkillEntry } from './skills/entries.ts'
import { createEntries } from './skills/entries.ts'
import type { SkillFile, SkillFiles } from './skills/files.ts'
import { readFiles, toContents } from './skills/files.ts'
import { createDirectories } from './skills/tree.ts'

export type { SkillContent, SkillFiles } from './skills/files.ts'

/** Options of `skills()`. */
export interface SkillsOptions {
  /**
   * A path in front of all skills, such as `acme/billing`: `skill://acme/billing/refunds/SKILL.md`.
   * @default none
   */
  prefix?: string
  /** Skills of one page of `skills/list`, and files of one page of a directory. @default 100 */
  pageSize?: number
}

const INVALID_PARAMS = -32602

/**
 * Serves skills: each file becomes a resource `skill://<skill>/<file>`, and the extension
 * `io.modelcontextprotocol/skills` lists the skills with the digests of their files.
 *
 * A skill is a folder with a `SKILL.md`, whose frontmatter has the folder's name as `name`, and a
 * `description`. A mistake in a skill is an error at registration that names it.
 *
 * @param files The content of the files by their paths. Text and bytes are served as they are. A function
 * is called at each read; its skill is told as `dynamic`, without digests.
 * @example
 * skills(mcp, {
 *   'git-workflow/SKILL.md': '---\nname: git-workflow\ndescription: How we branch and commit\n---\n…',
 *   'git-workflow/references/hooks.md': '# Hooks',
 * })
 */
export function skills(mcp: Mcp, files: SkillFiles, options: SkillsOptions = {}): void {
  const { prefix = '', pageSize = 100 } = options
  if (!Number.isInteger(pageSize) || pageSize < 1) {
    throw new TypeError('pageSize of skills() must be a whole number above 0')
  }
  const served = readFiles(files, prefix)
  const entries = createEntries(served)
  const directories = createDirectories(served)
  for (const file of served.values()) addResource(mcp, file)

  const list = async (params: Record<string, unknown>, ctx: ExtensionContext) => {
    const { items, nextCursor } = page([...entries.values()], pageSize, params.cursor)
    const skills = await Promise.all(items.map((entry) => entry.toSkill()))
    return { skills, ...(nextCursor && { nextCursor }), ...ctx.caching }
  }
  const get = async ({ uri }: Record<string, unknown>, ctx: ExtensionContext) => {
    const entry = typeof uri === 'string' ? entries.get(uri) : undefined
    if (!entry) throw new McpError(INVALID_PARAMS, 'No skill is served at this uri')
    return { skill: await entry.toSkill(), ...ctx.caching }
  }
  const readDirectory = ({ uri, cursor }: Record<string, unknown>) => {
    const children = typeof uri === 'string' ? directories.get(uri) : undefined
    if (!children) throw new McpError(INVALID_PARAMS, 'This uri is not a directory resource')
    const { items, nextCursor } = page([...children.values()], pageSize, cursor)
    return { resources: items, ...(nextCursor && { nextCursor }) }
  }
  mcp.extend(
    extension('io.modelcontextprotocol/skills', { settings: { directoryRead: true } })
      .method('skills/list', {}, list)
      .method('skills/get', {}, get)
      .method('resources/directory/read', {}, readDirectory),
  )
}

function addResource(mcp: Mcp, file: SkillFile): void {
  const { uri, name, description, mimeType, size } = file
  mcp.resource(
    uri,
    {
      name,
      mimeType,
      ...(description !== undefined && { description }),
      ...(size !== undefined && { size }),
    },
    async () => ({ contents: [await toContents(file)] }),
  )
}

/** One page of a list. A cursor names the last item of its page, so it is valid on every instance. */
function page<T extends SkillEntry | { readonly uri: string }>(
  items: readonly T[],
  size: number,
  cursor: unknown,
): { items: readonly T[]; nextCursor: string | undefined } {
  let start = 0
  if (cursor !== undefined) {
    start = items.findIndex(({ uri }) => toCursor(uri) === cursor) + 1
    if (start === 0)
      throw new McpError(INVALID_PARAMS, 'Invalid cursor: this list has not issued it')
  }
  const end = start + size
  const last = items[end - 1]
  return {
    items: items.slice(start, end),
    nextCursor: last && end < items.length ? toCursor(last.uri) : undefined,
  }
}

/** The URIs of skills are ASCII, as their segments are percent-encoded. */
const toCursor = (uri: string) => btoa(uri)
