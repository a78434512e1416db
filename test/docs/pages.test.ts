/** What the documentation names exists: files, headings, scripts, commands, options, variables. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { VARIABLES } from '../../adapters/environment/variables.ts'
import { TARGETS } from '../../create-streamable-mcp/src/targets.ts'
import { toLlms } from '../../docs/llms.ts'
import { anchorsOf, linksOf, PAGES, pageOf } from '../support/docs.ts'

const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>
  dependencies: Record<string, string>
}

describe('README.md', () => {
  it('has 9 KB at most', () => {
    expect(Buffer.byteLength(pageOf('README.md'))).toBeLessThanOrEqual(9 * 1024)
  })

  it('tells the CPU of a call as it was measured', () => {
    const { costs } = JSON.parse(readFileSync('bench/results.json', 'utf8')) as {
      costs: Record<string, { label: string; ratio: number }[]>
    }
    const [, row = ''] = /^\| CPU per call ÷ bare Hono \|(.*)\|$/m.exec(pageOf('README.md')) ?? []
    const told = row.split('|').map(Number)
    const measured = [
      '**streamable-mcp**, 2026-07-28',
      '`@modelcontextprotocol/server`, 2025-11-25',
      '`fastmcp`, stateless',
      '`mcp-handler`, 2026-07-28',
    ].map((label) => costs['`tools/call`']?.find((cost) => cost.label === label)?.ratio ?? 0)
    for (const [i, ratio] of measured.entries()) {
      expect((told[i] ?? 0) / ratio).toBeGreaterThan(0.8)
      expect((told[i] ?? 0) / ratio).toBeLessThan(1.25)
    }
  })
})

describe.each(PAGES.map((page) => [page.path, page] as const))('%s', (_, page) => {
  it('links only to files and headings that exist', () => {
    const broken = linksOf(page).filter(({ path, anchor }) => {
      if (!existsSync(path)) return true
      return anchor !== undefined && !anchorsOf(readFileSync(path, 'utf8')).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  it('names only scripts that exist', () => {
    const { scripts } = page.path.startsWith('examples/')
      ? JSON.parse(readFileSync('examples/agent/package.json', 'utf8'))
      : packageJson
    const named = [...page.text.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(
      ([, name = '']) => name,
    )
    // The starters have scripts of their own.
    const known = { ...packageJson.scripts, ...scripts, ...TARGETS.aws.scripts, check: 'tsc' }
    expect(named.filter((name) => !(name in known))).toEqual([])
  })

  it('names only files that exist, where it names them as code', () => {
    const folders = 'src|adapters|reference|cli|test|bench|docs|examples'
    const named = [
      ...page.text.matchAll(new RegExp(`\`((?:${folders})(?:/[\\w.-]+)+)\``, 'g')),
    ].map(([, path = '']) => path)
    expect(named.filter((path) => !existsSync(path) && !existsSync(`src/${path}`))).toEqual([])
  })
})

describe('the documentation', () => {
  it('has an index that leads to every page', () => {
    const linked = new Set(PAGES.flatMap(({ path }) => (path === 'docs/README.md' ? [path] : [])))
    const index = PAGES.find(({ path }) => path === 'docs/README.md')
    for (const { path } of index ? linksOf(index) : []) linked.add(path)
    const missing = PAGES.map(({ path }) => path).filter((path) => !linked.has(path))
    expect(missing).toEqual(['README.md', 'cli/README.md'])
  })

  it('is in llms.txt as `npm run docs:llms` writes it', () => {
    expect(readFileSync('llms.txt', 'utf8')).toBe(toLlms())
  })

  it('names every script of the project in CONTRIBUTING.md', () => {
    const named = (name: string) =>
      pageOf('CONTRIBUTING.md').includes(`npm run ${name}`) ||
      pageOf('docs/benchmarks.md').includes(`npm run ${name}`) ||
      ['start', 'test', 'prepack', 'prepare'].includes(name)
    const parts = ['build:lib', 'build:lambda', 'build:cli', 'build:page']
    const silent = Object.keys(packageJson.scripts).filter(
      (name) => !named(name) && !parts.includes(name),
    )
    expect(silent).toEqual([])
  })

  it('gives a reason for every package that the library installs', () => {
    const page = pageOf('docs/architecture.md')
    const silent = Object.keys(packageJson.dependencies).filter(
      (name) => !page.includes(`\`${name}\``),
    )
    expect(silent).toEqual([])
  })
})

describe('docs/configuration.md', () => {
  const page = pageOf('docs/configuration.md')
  /** Returns the names in code style in the first column of a table. */
  const firstColumn = (pattern: RegExp) =>
    [...page.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(pattern)].map(([, name = '']) => name),
    )

  it('names every option of createMcp, and no other', () => {
    const members = (file: string, type: string) => {
      const source = readFileSync(file, 'utf8')
      const [, body = ''] =
        new RegExp(`interface ${type}[^{]*\\{\n(.*?)\n\\}`, 's').exec(source) ?? []
      return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, name = '']) => name)
    }
    const options = [
      ...members('src/options.ts', 'McpOptions'),
      ...members('src/http/host-origin.ts', 'HostOriginOptions'),
      ...members('src/http/body.ts', 'BodyOptions'),
    ]
    expect(options.length).toBeGreaterThan(25)
    expect(firstColumn(/`([a-z]\w+)`/g).sort()).toEqual(options.sort())
  })

  it('names every variable the environment is read for, and no other', () => {
    // The SDK reads this variable. `test/reference/environment.test.ts` compares the others with the sources.
    const read = [...VARIABLES, 'AWS_ENDPOINT_URL_DYNAMODB']
    expect(firstColumn(/`([A-Z_]+)`/g).sort()).toEqual(read.sort())
  })
})

describe('docs/aws.md', () => {
  it('names only parameters and outputs that the template has', () => {
    const template = readFileSync('template.yaml', 'utf8')
    const named = [...pageOf('docs/aws.md').matchAll(/`([A-Z][a-z]\w+)(?:=\w+)?`/g)].map(
      ([, name = '']) => name,
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !new RegExp(`\\b${name}:`).test(template))).toEqual([])
  })
})
