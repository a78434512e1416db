/** Writes a project into an empty folder. */

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Answers } from './answers.ts'
import { UsageError } from './answers.ts'
import { toStarterTemplate } from './aws-template.ts'
import { NODE_RANGE, TARGETS, VERSIONS } from './targets.ts'

const TEMPLATE = new URL('../template/', import.meta.url)

/** What a project may find in its folder: a repository that was begun before it. */
const HARMLESS = new Set(['.git', '.DS_Store'])

/** What `package.json` asks for as `streamable-mcp` and as `streamable-mcp-cli`. */
export interface Packages {
  readonly library: string
  readonly client: string
}

/**
 * Writes all files of a project.
 *
 * @throws {UsageError} where the folder is not empty; then nothing is written
 */
export async function writeProject(answers: Answers, packages: Packages): Promise<void> {
  const { folder, name, target } = answers
  await requireEmpty(folder)
  const { files } = TARGETS[target]
  await mkdir(folder, { recursive: true })
  for (const [path, source] of Object.entries(files)) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    // Every secret of every project is its own.
    const text = (await readSource(source))
      .replaceAll('{{name}}', name)
      .replaceAll('{{secret}}', () => randomBytes(32).toString('hex'))
    await writeFile(file, text)
  }
  await writeFile(join(folder, 'package.json'), toPackageJson(answers, packages))
}

async function requireEmpty(folder: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code === 'ENOTDIR') throw new UsageError(`${folder} is a file: choose another name.`)
    throw new UsageError(`${folder} cannot be read (${code}): choose another place.`)
  }
  const found = names.filter((name) => !HARMLESS.has(name))
  if (found.length > 0) {
    throw new UsageError(`${folder} is not empty: choose another name, or empty the folder.`)
  }
}

/** A file of the package. The template for AWS is made from the repository's: by `prepack`, or in a clone here. */
async function readSource(name: string): Promise<string> {
  if (name !== 'template.yaml') return readFile(new URL(name, TEMPLATE), 'utf8')
  try {
    return await readFile(new URL('template.yaml', import.meta.url), 'utf8')
  } catch {
    return toStarterTemplate(await readFile(new URL('../../template.yaml', TEMPLATE), 'utf8'))
  }
}

function toPackageJson({ name, target }: Answers, { library, client }: Packages): string {
  const { scripts, devDependencies } = TARGETS[target]
  const usesClient = Object.values(scripts).some((text) => text.startsWith('streamable-mcp '))
  const named = Object.entries(scripts).map(([key, text]) => [key, text.replace('{{name}}', name)])
  const all = {
    typescript: VERSIONS.typescript,
    '@modelcontextprotocol/client': VERSIONS['@modelcontextprotocol/client'],
    '@types/node': VERSIONS['@types/node'],
    ...(usesClient && { 'streamable-mcp-cli': client }),
    ...devDependencies,
  }
  const sorted = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))
  const content = {
    name,
    version: '1.0.0',
    private: true,
    type: 'module',
    engines: { node: NODE_RANGE },
    scripts: { ...Object.fromEntries(named), check: 'tsc', test: 'node --test' },
    dependencies: { 'streamable-mcp': library, valibot: VERSIONS.valibot },
    devDependencies: Object.fromEntries(sorted),
  }
  return `${JSON.stringify(content, null, 2)}\n`
}
