/** The facts about the packages that npm shows, and the entries of the API reference. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface PackageJson {
  version: string
  license: string
  homepage: string
  bugs: string
  repository: { type: string; url: string; directory?: string }
  exports: Record<string, { types: string; default: string }>
}

const read = <T>(path: string) => JSON.parse(readFileSync(path, 'utf8')) as T
const main = read<PackageJson>('package.json')
const client = read<PackageJson>('cli/package.json')
const creator = read<PackageJson>('create-streamable-mcp/package.json')

/** Returns the source of an entry of the package. */
const sourceOf = ({ types }: { types: string }) =>
  types.replace(/^\.\/dist\//, '').replace(/\.d\.ts$/, '.ts')

describe('the packages', () => {
  it('have one version, one license and one repository', () => {
    expect([client.version, creator.version]).toEqual([main.version, main.version])
    expect(client.license).toBe(main.license)
    expect(client.bugs).toBe(main.bugs)
    expect(client.repository).toEqual({ ...main.repository, directory: 'cli' })
    const directory = 'create-streamable-mcp'
    expect(creator.repository).toEqual({ ...main.repository, directory })
    const page = main.repository.url.replace(/^git\+(.*)\.git$/, '$1')
    for (const { homepage, bugs } of [main, client, creator]) {
      expect(homepage.startsWith(page)).toBe(true)
      expect(bugs.startsWith(page)).toBe(true)
    }
  })

  it('export files that are made from sources that exist', () => {
    const entries = Object.values(main.exports).filter((entry) => typeof entry === 'object')
    expect(entries.length).toBeGreaterThan(4)
    expect(entries.map(sourceOf).filter((path) => !existsSync(path))).toEqual([])
    expect(
      entries.filter((entry) => entry.default !== entry.types.replace('.d.ts', '.js')),
    ).toEqual([])
  })

  it('have every entry in the reference', () => {
    const { entryPoints } = read<{ entryPoints: string[] }>('docs/api/typedoc.json')
    const sources = Object.values(main.exports).filter((entry) => typeof entry === 'object')
    expect(entryPoints.map((path) => path.replace(/^\.\.\/\.\.\//, '')).sort()).toEqual(
      sources.map(sourceOf).sort(),
    )
  })
})
