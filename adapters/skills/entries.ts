/** The entries of skills: frontmatter, and the size and digest of each file. */
import type { SkillFile } from './files.ts'
import { MANIFEST, toBytes } from './files.ts'

/** What every client has to be able to load. */
const MOST_FILES = 512
const MOST_BYTES = 16 * 1024 * 1024

interface Skill {
  readonly uri: string
  readonly frontmatter: object
  readonly resources: 'dynamic' | readonly { uri: string; digest: string; size: number }[]
}

/** A skill that is served. */
export interface SkillEntry {
  /** The URI of its `SKILL.md`. */
  readonly uri: string
  /** Its entry. The digests are made at the first call. */
  toSkill(): Promise<Skill>
}

/** The skills by their URIs. Throws a `TypeError` for a file outside of all skills, and for a skill that is too large. */
export function createEntries(files: ReadonlyMap<string, SkillFile>): Map<string, SkillEntry> {
  const entries = new Map<string, SkillEntry>()
  const inSkill = new Set<string>()
  const suffix = `/${MANIFEST}`
  for (const { uri, name, frontmatter = {} } of files.values()) {
    if (!uri.endsWith(suffix)) continue
    const root = uri.slice(0, -MANIFEST.length)
    // The files of a skill within this one belong to both.
    const own = [...files.values()].filter((file) => file.uri.startsWith(root))
    const bytes = own.reduce((sum, { size = 0 }) => sum + size, 0)
    if (own.length > MOST_FILES || bytes > MOST_BYTES) {
      throw new TypeError(`Skill "${name}" has more than ${MOST_FILES} files or 16 MiB`)
    }
    for (const file of own) inSkill.add(file.uri)
    let resources: Promise<Skill['resources']> | undefined
    entries.set(uri, {
      uri,
      async toSkill() {
        resources ??= toResources(own)
        return { uri, frontmatter, resources: await resources }
      },
    })
  }
  for (const { uri } of files.values()) {
    if (!inSkill.has(uri))
      throw new TypeError(`${uri} belongs to no skill: its folder has no ${MANIFEST}`)
  }
  return entries
}

async function toResources(files: readonly SkillFile[]): Promise<Skill['resources']> {
  const resources: { uri: string; digest: string; size: number }[] = []
  for (const { uri, content } of files) {
    if (typeof content === 'function') return 'dynamic'
    const bytes = toBytes(content)
    resources.push({ uri, digest: await sha256(bytes), size: bytes.length })
  }
  return resources
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)))
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
