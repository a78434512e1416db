/** The mutants of this folder: deliberate mistakes in the sources, as data in its JSON files. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Mutant {
  /** A path from the root of the repository. */
  readonly file: string
  /** The text to replace, which the file contains exactly once. */
  readonly from: string
  readonly to: string
  /** The harm for a user. */
  readonly reason: string
  /** The test files that may notice it. The likely and cheap ones are first. */
  readonly tests: readonly string[]
  /** The reason why a test cannot distinguish the mutant from the original. */
  readonly equivalent?: string
}

/** The mutants of one file, as the JSON files have them. A mutant may name tests of its own. */
interface Group {
  readonly file: string
  readonly tests: readonly string[]
  readonly mutants: readonly (Omit<Mutant, 'file' | 'tests'> & {
    readonly tests?: readonly string[]
  })[]
}

const folder = fileURLToPath(new URL('.', import.meta.url))
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export async function readMutants(): Promise<Mutant[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  const groups = await Promise.all(
    names.map(
      async (name): Promise<Group[]> => JSON.parse(await readFile(join(folder, name), 'utf8')),
    ),
  )
  return groups
    .flat()
    .flatMap(({ file, tests, mutants }) => mutants.map((mutant) => ({ file, tests, ...mutant })))
}

/** Returns the file's text with the mutant. Throws when the list does not match the file any more. */
export async function mutate({ file, from, to }: Mutant): Promise<string> {
  const parts = (await readFile(join(ROOT, file), 'utf8')).split(from)
  if (parts.length !== 2) {
    throw new Error(`${file}: ${JSON.stringify(from)} stands there ${parts.length - 1} times`)
  }
  return parts.join(to)
}
