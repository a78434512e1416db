/** The rules of the layout that matter. Each fails the build when it is broken, and is seen failing here. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Source } from './support/layout-rules.ts'
import { importsOf, MOST_LINES, RULES } from './support/layout-rules.ts'

const run = promisify(execFile)

async function sourcesUnder(folder: string, kind: RegExp): Promise<Source[]> {
  const names = (await readdir(folder, { recursive: true })).filter(
    (name) => kind.test(name) && !/(^|\/)node_modules\//.test(name),
  )
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      return { path, text: await readFile(path, 'utf8') }
    }),
  )
}

const sources = (
  await Promise.all(
    ['src', 'adapters', 'reference', 'cli/src', 'create-streamable-mcp/src', 'page'].map((folder) =>
      sourcesUnder(folder, /\.tsx?$/),
    ),
  )
).flat()
const imports = sources.flatMap(importsOf)

describe('the layout', () => {
  it('is read by this test', () => {
    const paths = new Set(sources.map(({ path }) => path))
    expect(sources.length).toBeGreaterThan(50)
    expect(imports.length).toBeGreaterThan(200)
    expect(imports.filter(({ to }) => to.endsWith('.ts') && !paths.has(to))).toEqual([])
  })

  it.each(RULES)('$title', ({ find }) => {
    expect(find(sources)).toEqual([])
  })

  it('has no file of the bench or of bin above 300 lines either', async () => {
    const others = [
      ...(await sourcesUnder('bench', /\.(ts|js|mjs)$/)),
      ...(await sourcesUnder('bin', /\.js$/)),
    ]
    expect(others.length).toBeGreaterThan(10)
    const isLong = ({ text }: Source) => text.trimEnd().split('\n').length > MOST_LINES
    expect(others.filter(isLong).map(({ path }) => path)).toEqual([])
  })
})

describe('a rule of the layout', () => {
  const examples = RULES.flatMap(({ title, find, refuses }) =>
    refuses.map((tree) => ({
      title,
      find,
      tree,
      text: Object.values(tree).join(' ').slice(0, 80),
    })),
  )

  it.each(examples)('"$title" refuses $text', ({ find, tree }) => {
    const broken = Object.entries(tree).map(([path, text]) => ({ path, text }))
    expect(find(broken)).not.toEqual([])
  })

  it('has an example each', () => {
    expect(RULES.filter(({ refuses }) => refuses.length === 0)).toEqual([])
  })
})

describe('src', () => {
  it('is compiled without the types of a host', async () => {
    const root = fileURLToPath(new URL('..', import.meta.url))
    await mkdir(join(root, 'dist'), { recursive: true })
    const folder = await mkdtemp(join(root, 'dist', 'probe-'))
    const probes = [
      'process.version',
      'Buffer.alloc(1)',
      "require('fs')",
      'document.title',
      '__dirname',
    ]
    try {
      const compilerOptions = { rootDir: root, paths: {} }
      const config = {
        extends: join(root, 'tsconfig.src.json'),
        compilerOptions,
        include: ['*.ts'],
      }
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
      const lines = [
        "import '../../src/index.ts'",
        "import 'hono'",
        ...probes.map((code) => `void ${code}`),
      ]
      await writeFile(join(folder, 'probe.ts'), lines.join('\n'))
      const tsc = join(root, 'node_modules/.bin/tsc')
      const { stdout } = await run(tsc, ['-p', folder]).catch((error: { stdout: string }) => error)
      const found = [...stdout.matchAll(/probe\.ts\((\d+),\d+\): error TS2\d+/g)].map(([, line]) =>
        Number(line),
      )
      expect(found).toEqual(probes.map((_, i) => i + 3))
      // No other file may fail: then the probe would have failed for another reason.
      expect(stdout.match(/error/g)).toHaveLength(probes.length)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
