/** The rules of the layout that matter, each failing the build when broken. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOTS = ['src', 'adapters']

interface Import {
  from: string
  to: string
  kind: 'value' | 'type' | 'dynamic'
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}

const files = ROOTS.flatMap(filesUnder)

/** Imports as written, types included; relative ones as paths from the top. */
function importsOf(file: string): Import[] {
  const source = readFileSync(file, 'utf8')
  const statics = source.matchAll(/^\s*(?:import|export)\s(type\s)?[^'"]*?from\s+'([^']+)'/gm)
  const bare = source.matchAll(/^\s*import\s+'([^']+)'/gm)
  const dynamics = source.matchAll(/import\('([^']+)'\)/g)
  const resolve = (to = '') => (to.startsWith('.') ? normalize(join(dirname(file), to)) : to)
  const one = (to: string | undefined, kind: Import['kind']): Import => ({
    from: file,
    to: resolve(to),
    kind,
  })
  return [
    ...[...statics].map(([, type, to]) => one(to, type ? 'type' : 'value')),
    ...[...bare].map(([, to]) => one(to, 'value')),
    ...[...dynamics].map(([, to]) => one(to, 'dynamic')),
  ]
}

const imports = files.flatMap(importsOf)
const breaking = (rule: (one: Import) => boolean) =>
  imports.filter(rule).map(({ from, to }) => `${from} imports ${to}`)

const inside = (folder: string) => (path: string) => path.startsWith(`${folder}/`)
const inSrc = inside('src')
const inTools = inside('src/tools')
const inAdapters = inside('adapters')
const isEntry = (path: string) =>
  path.startsWith('adapters/entry/') || path === 'adapters/cli/main.ts'

describe('the layout', () => {
  it('is read by this test', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(imports.length).toBeGreaterThan(200)
    expect(imports.every(({ to }) => !to.endsWith('.ts') || files.includes(to))).toBe(true)
  })

  it('has a src that imports no host', () => {
    expect(breaking(({ from, to }) => inSrc(from) && to.startsWith('node:'))).toEqual([])
    const globals = files
      .filter(inSrc)
      .filter((file) => /\b(process|Buffer|__dirname)\b\./.test(readFileSync(file, 'utf8')))
    expect(globals).toEqual([])
  })

  it('loads AWS and jose only on the path that needs them', () => {
    const heavy = /^(@aws-sdk|@smithy|jose)(\/|$)/
    const atStart = imports.filter(({ kind }) => kind === 'value')
    const isLazy = (file: string) => inSrc(file) && !atStart.some(({ to }) => to === file)
    const early = atStart.filter(({ from, to }) => heavy.test(to) && !isLazy(from))
    expect(early).toEqual([])
  })

  it('keeps the library apart from the reference tools', () => {
    expect(breaking(({ from, to }) => inSrc(from) && !inTools(from) && inTools(to))).toEqual([])
    expect(
      breaking(
        ({ from, to }) => inTools(from) && inSrc(to) && !inTools(to) && to !== 'src/index.ts',
      ),
    ).toEqual([])
  })

  it('has adapters that know the public API alone', () => {
    expect(
      breaking(
        ({ from, to }) =>
          inAdapters(from) && inSrc(to) && to !== 'src/index.ts' && !(isEntry(from) && inTools(to)),
      ),
    ).toEqual([])
    expect(breaking(({ from, to }) => inSrc(from) && inAdapters(to))).toEqual([])
  })

  it('never imports an entry point', () => {
    expect(breaking(({ to }) => isEntry(to))).toEqual([])
  })

  it('lets nothing below http/ know of HTTP', () => {
    const below = ['src/protocol', 'src/state', 'src/asking']
    expect(
      breaking(
        ({ from, to }) =>
          below.some((folder) => inside(folder)(from)) &&
          (inside('src/http')(to) || to === 'src/app.ts' || to.startsWith('hono')),
      ),
    ).toEqual([])
  })

  it('has no import cycle, types included', () => {
    const cycles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, path: string[]) => {
      if (path.includes(file)) {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
        return
      }
      if (done.has(file)) return
      for (const { to } of imports.filter(({ from }) => from === file)) {
        if (to.endsWith('.ts')) visit(to, [...path, file])
      }
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(cycles).toEqual([])
  })

  it('says in the first line of each file what it is for', () => {
    const silent = files.filter((file) => {
      const source = readFileSync(file, 'utf8').replace(/^#!.*\n/, '')
      return !source.startsWith('/**')
    })
    expect(silent).toEqual([])
  })
})
