/** Reads a folder of skills, where there is a file system. */
import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SkillFiles } from '../skills.ts'

/**
 * Reads the skills of a folder: each folder in it, at any depth, that has a `SKILL.md`. Hidden files,
 * `node_modules`, symbolic links and files outside of all skills are left out. Changes on the disk are
 * seen at the next start.
 *
 * @param folder A path, or a `file:` URL such as `new URL('skills', import.meta.url)`.
 * @example skills(mcp, await readSkills('skills'))
 */
export async function readSkills(folder: string | URL): Promise<SkillFiles> {
  const root = folder instanceof URL ? fileURLToPath(folder) : folder
  const found = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = found
    // This leaves out symbolic links, which could lead out of the folder.
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, sep).length))
    .map((path) => path.split(sep))
    .filter((path) => !path.some((part) => part.startsWith('.') || part === 'node_modules'))
  const skills = paths.filter((path) => path.at(-1) === 'SKILL.md').map((path) => path.slice(0, -1))
  const isIn = (path: readonly string[]) =>
    skills.some((skill) => skill.every((part, depth) => path[depth] === part))
  const files: [string, Uint8Array][] = []
  for (const path of paths.filter(isIn)) {
    files.push([path.join('/'), new Uint8Array(await readFile(join(root, ...path)))])
  }
  // In the order of the paths, whatever the order of the file system is.
  return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)))
}
