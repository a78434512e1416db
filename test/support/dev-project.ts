/** A project as an author has it: a server file, and the library among the packages. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface DevProject {
  readonly folder: string
  write(name: string, text: string): Promise<void>
  remove(): Promise<void>
}

/** `packages` are linked from those of this repository, beside `streamable-mcp` and `valibot`. */
export async function createDevProject(packages: readonly string[] = []): Promise<DevProject> {
  const folder = await mkdtemp(join(tmpdir(), 'dev-project-'))
  const library = join(folder, 'node_modules/streamable-mcp')
  await mkdir(library, { recursive: true })
  await build({
    entryPoints: { index: join(root, 'src/index.ts'), node: join(root, 'adapters/node.ts') },
    outdir: library,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    // Engines and clouds that these tests do not use.
    external: ['@aws-sdk/*', 'ioredis', 'pg', 'valibot'],
    logLevel: 'error',
  })
  const exported = { '.': './index.js', './node': './node.js' }
  const manifest = { name: 'streamable-mcp', type: 'module', exports: exported }
  await writeFile(join(library, 'package.json'), JSON.stringify(manifest))
  for (const name of ['valibot', ...packages]) {
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  const write = (name: string, text: string) => writeFile(join(folder, name), text)
  await write('package.json', '{ "name": "greeter", "type": "module" }')
  return { folder, write, remove: () => rm(folder, { recursive: true, force: true }) }
}
