/** The directories of skills, with their direct children. */
import type { SkillFile } from './files.ts'

/** A child of a directory, as a resource is listed. */
export interface Child {
  readonly uri: string
  readonly name: string
  readonly mimeType: string
  readonly description?: string
  readonly size?: number
}

/** The children of each directory by their URIs, by the URI of the directory, which ends in no slash. */
export function createDirectories(
  files: ReadonlyMap<string, SkillFile>,
): Map<string, Map<string, Child>> {
  const directories = new Map<string, Map<string, Child>>()
  for (const { uri, segments, name, mimeType, description, size } of files.values()) {
    let child: Child = {
      uri,
      name,
      mimeType,
      ...(description !== undefined && { description }),
      ...(size !== undefined && { size }),
    }
    for (let depth = segments.length - 1; depth > 0; depth--) {
      const parent = child.uri.slice(0, child.uri.lastIndexOf('/'))
      const children = directories.get(parent) ?? new Map<string, Child>()
      directories.set(parent, children.set(child.uri, child))
      child = { uri: parent, name: segments[depth - 1] ?? '', mimeType: 'inode/directory' }
    }
  }
  return directories
}
