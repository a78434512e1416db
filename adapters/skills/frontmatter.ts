/** The frontmatter of a `SKILL.md`, by the rules of the Agent Skills specification. */
import { parse } from 'yaml'

/** 1 to 64 small letters, digits and single hyphens, which are not at an end. */
const SKILL_NAME = /^(?!.*--)[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/

const LONGEST_DESCRIPTION = 1_024

/** YAML between two lines of three hyphens, the first of which begins the file. */
const FRONTMATTER = /^---\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)/s

/** Members of `metadata` that the protocol's extensions keep for themselves. */
const RESERVED = 'io.modelcontextprotocol/'

/** Throws a `TypeError` that names the file. `folder` is the skill's own folder. */
export function parseFrontmatter(
  path: string,
  text: string,
  folder: string | undefined,
): Record<string, unknown> {
  const refuse = (why: string) => new TypeError(`"${path}" ${why}`)
  const [, yaml] = FRONTMATTER.exec(text) ?? []
  if (yaml === undefined) throw refuse('must begin with frontmatter: ---, YAML, ---')
  let value: unknown
  try {
    value = parse(yaml)
  } catch (error) {
    throw refuse(`has frontmatter that is not YAML: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse('has frontmatter that is not a list of names and values')
  }
  const frontmatter = value as Record<string, unknown>
  const { name, description, metadata } = frontmatter
  if (typeof name !== 'string' || !SKILL_NAME.test(name)) {
    throw refuse('needs a name of 1 to 64 small letters, digits and single hyphens')
  }
  if (name !== folder) throw refuse(`has the name "${name}", which must be that of its folder`)
  if (
    typeof description !== 'string' ||
    description === '' ||
    description.length > LONGEST_DESCRIPTION
  ) {
    throw refuse(`needs a description of 1 to ${LONGEST_DESCRIPTION} characters`)
  }
  if (Object.keys(metadata ?? {}).some((key) => key.startsWith(RESERVED))) {
    throw refuse(`has metadata under ${RESERVED}, which is reserved`)
  }
  return frontmatter
}
