/** The files of skills: their URIs, types and contents. */
import type { MaybePromise, ResourceContents } from '../../src/index.ts'
import { parseFrontmatter } from './frontmatter.ts'

/** The content of a file, or a function that makes it at each read. */
export type SkillContent = string | Uint8Array | (() => MaybePromise<string | Uint8Array>)

/** Files by their paths: `git-workflow/SKILL.md`. */
export type SkillFiles = Readonly<Record<string, SkillContent>>

/** A file that is served. */
export interface SkillFile {
  readonly uri: string
  /** The path with the prefix, as its segments: the last one is the file's name. */
  readonly segments: readonly string[]
  readonly content: SkillContent
  readonly name: string
  readonly description: string | undefined
  readonly mimeType: string
  /** Bytes; undefined for a function. */
  readonly size: number | undefined
  /** The frontmatter of a `SKILL.md`. */
  readonly frontmatter: Readonly<Record<string, unknown>> | undefined
}

export const MANIFEST = 'SKILL.md'

const TYPES: ReadonlyMap<string, string> = new Map([
  ['md', 'text/markdown'],
  ['txt', 'text/plain'],
  ['py', 'text/x-python'],
  ['sh', 'application/x-sh'],
  ['js', 'text/javascript'],
  ['mjs', 'text/javascript'],
  ['ts', 'text/x-typescript'],
  ['json', 'application/json'],
  ['yaml', 'application/yaml'],
  ['yml', 'application/yaml'],
  ['html', 'text/html'],
  ['css', 'text/css'],
  ['csv', 'text/csv'],
  ['xml', 'application/xml'],
  ['svg', 'image/svg+xml'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['pdf', 'application/pdf'],
])

const ENCODER = new TextEncoder()

/** The files by their URIs. Throws a `TypeError` that names the file and what is wrong with it. */
export function readFiles(files: SkillFiles, prefix: string): Map<string, SkillFile> {
  const before = prefix === '' ? [] : prefix.split('/')
  for (const segment of before) {
    // The first segment is the authority of the URI, where more characters would mean more.
    if (/^[A-Za-z0-9][A-Za-z0-9._~-]*$/.test(segment)) continue
    throw new TypeError(`The prefix "${prefix}" of skills() needs segments such as acme/billing`)
  }
  const served = new Map<string, SkillFile>()
  for (const [path, content] of Object.entries(files)) {
    const file = toFile(path, [...before, ...path.split('/')], content)
    served.set(file.uri, file)
  }
  return served
}

function toFile(path: string, segments: readonly string[], content: SkillContent): SkillFile {
  for (const segment of segments) {
    if (segment !== '' && segment !== '.' && segment !== '..' && !segment.includes('\\')) continue
    throw new TypeError(`"${path}" is not the path of a file of a skill: use git-workflow/SKILL.md`)
  }
  const fileName = segments.at(-1) ?? ''
  const frontmatter = fileName === MANIFEST ? readManifest(path, segments, content) : undefined
  const extension = /\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase() ?? ''
  const isText = typeof content === 'string' || toText(content) !== undefined
  return {
    uri: `skill://${segments.map(encodeURIComponent).join('/')}`,
    segments,
    content,
    name: (frontmatter?.name as string | undefined) ?? fileName,
    description: frontmatter?.description as string | undefined,
    mimeType: TYPES.get(extension) ?? (isText ? 'text/plain' : 'application/octet-stream'),
    size: typeof content === 'function' ? undefined : toBytes(content).length,
    frontmatter,
  }
}

/** A `SKILL.md` has to be there at the start, because the skill's name and description are in it. */
function readManifest(path: string, segments: readonly string[], content: SkillContent) {
  const text = typeof content === 'string' ? content : toText(content)
  if (text === undefined) throw new TypeError(`"${path}" must be a text, not made by a function`)
  return parseFrontmatter(path, text, segments.at(-2))
}

export function toBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? ENCODER.encode(content) : content
}

/** The text of bytes in UTF-8, which gives the same bytes again; undefined for others. */
function toText(content: unknown): string | undefined {
  if (!(content instanceof Uint8Array)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    return undefined
  }
}

/** The content as a client reads it: text where it is one, so that its digest is that of the file's bytes. */
export async function toContents({ uri, mimeType, content }: SkillFile): Promise<ResourceContents> {
  const value = typeof content === 'function' ? await content() : content
  const text = typeof value === 'string' ? value : toText(value)
  if (text !== undefined) return { uri, mimeType, text }
  const bytes = toBytes(value)
  let binary = ''
  // In pieces, because the number of a call's arguments is limited.
  for (let i = 0; i < bytes.length; i += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  }
  return { uri, mimeType, blob: btoa(binary) }
}
