/** The rules of the layout that matter, each failing the build when broken. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOTS = ['src', 'adapters', 'reference', 'cli/src']

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
  // An example in a comment imports nothing.
  const source = readFileSync(file, 'utf8').replace(/^ *\/\*\*[\s\S]*?\*\//gm, '')
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

/** Names that only some hosts have. A property of ours may be called so. */
const HOST =
  /(?<![.\w#])(?:process\b(?=\s*\??[.[])|globalThis\s*\??\.\s*process|Buffer\b|require\s*\(|import\.meta|__dirname|__filename|Deno\b|Bun\b)/

/** A source without its comments and texts. */
function codeOf(file: string): string {
  return readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/\s\/\/ .*$/gm, '')
    .replace(/'[^'\n]*'/g, "''")
}

const inside =
  (...folders: string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(`${folder}/`))
const inSrc = inside('src')
const inAdapters = inside('adapters')
const inReference = inside('reference')
const inCli = inside('cli')
/** Modules that run when they are imported. */
const isEntry = (path: string) =>
  inside('reference/entry')(path) || path === 'cli/src/main.ts' || path === 'reference/bundle.ts'

describe('the layout', () => {
  it('is read by this test', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(imports.length).toBeGreaterThan(200)
    expect(imports.every(({ to }) => !to.endsWith('.ts') || files.includes(to))).toBe(true)
  })

  it('has a src that imports no host', () => {
    const packages = /^(hono|jose|@cfworker|@standard-schema|@valibot)(\/|$)/
    expect(
      breaking(({ from, to }) => inSrc(from) && !to.startsWith('src/') && !packages.test(to)),
    ).toEqual([])
    expect(files.filter(inSrc).filter((file) => HOST.test(codeOf(file)))).toEqual([])
  })

  it.each([
    'process.env.PORT',
    'process?.env',
    'globalThis.process',
    'Buffer.from(text)',
    "require('fs')",
    'import.meta.dirname',
    '__dirname',
    'Deno.env',
    'Bun.serve({})',
  ])('takes %s for the use of a host', (code) => {
    expect(code).toMatch(HOST)
  })

  it('loads AWS and jose only on the path that needs them', () => {
    const heavy = /^(@aws-sdk|@smithy|jose)(\/|$)/
    const atStart = imports.filter(({ kind }) => kind === 'value')
    const isLazy = (file: string) =>
      inside('src', 'reference/tools')(file) && !atStart.some(({ to }) => to === file)
    const early = atStart.filter(({ from, to }) => heavy.test(to) && !isLazy(from))
    expect(early).toEqual([])
  })

  it('has adapters that know the public API alone', () => {
    expect(
      breaking(({ from, to }) => inAdapters(from) && inSrc(to) && to !== 'src/index.ts'),
    ).toEqual([])
  })

  it('keeps the library apart from the reference server', () => {
    expect(
      breaking(({ from, to }) => inSrc(from) && inside('adapters', 'reference', 'cli')(to)),
    ).toEqual([])
    expect(breaking(({ from, to }) => inAdapters(from) && inReference(to))).toEqual([])
    expect(
      breaking(({ from, to }) => inReference(from) && inSrc(to) && to !== 'src/index.ts'),
    ).toEqual([])
    expect(breaking(({ from, to }) => inside('reference/tools')(from) && inAdapters(to))).toEqual(
      [],
    )
  })

  it('keeps the command-line client apart from everything else', () => {
    expect(breaking(({ from, to }) => inCli(from) && /\.ts$/.test(to) && !inCli(to))).toEqual([])
    expect(breaking(({ from, to }) => !inCli(from) && inCli(to))).toEqual([])
  })

  it('never imports an entry point', () => {
    expect(breaking(({ to }) => isEntry(to))).toEqual([])
  })

  it('lets nothing below http/ know of HTTP', () => {
    const below = inside(
      'src/protocol',
      'src/state',
      'src/client-requests',
      'src/handlers',
      'src/schema',
      'src/lib',
    )
    expect(
      breaking(
        ({ from, to }) =>
          below(from) && (inside('src/http')(to) || to === 'src/app.ts' || to.startsWith('hono')),
      ),
    ).toEqual([])
  })

  it('lets nothing below http/ make or read a Response', () => {
    const below = inside(
      'src/protocol',
      'src/state',
      'src/client-requests',
      'src/handlers',
      'src/schema',
      'src/lib',
    )
    // `Response` is also something that an author may return by mistake: handlers/ may name it.
    const naming = files.filter(
      (file) => below(file) && /\b(new Response\b|:\s*(Promise<)?Response\b)/.test(codeOf(file)),
    )
    expect(naming).toEqual([])
  })

  it('keeps the eras apart, so that one can be deleted', () => {
    const legacy = inside('src/http/legacy')
    const modern = inside('src/http/modern')
    expect(
      breaking(({ from, to }) => (legacy(from) && modern(to)) || (modern(from) && legacy(to))),
    ).toEqual([])
    // A cold start reads the code of an era with its first client.
    expect(
      breaking(
        ({ from, to, kind }) =>
          (legacy(to) || modern(to)) && !legacy(from) && !modern(from) && kind === 'value',
      ),
    ).toEqual([])
  })

  it('names the status codes of the endpoint in one file', () => {
    const ofEndpoint = files.filter(
      (file) =>
        (inside('src/http')(file) || file === 'src/app.ts' || file === 'src/auth/challenge.ts') &&
        file !== 'src/http/status.ts',
    )
    const withoutComments = (file: string) =>
      readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    // Years and sizes have more digits, or letters beside them.
    const naming = ofEndpoint.filter((file) =>
      /(?<![\w.'-])[2-5]\d\d(?![\w.'-])/.test(withoutComments(file)),
    )
    expect(naming).toEqual([])
  })

  it('handles synchronous results in the fast path of a call, and nowhere else', () => {
    const handling = files.filter(
      (file) => inSrc(file) && /instanceof Promise\b/.test(readFileSync(file, 'utf8')),
    )
    expect(handling.sort()).toEqual(
      [
        'src/http/call-stream.ts',
        'src/http/dispatch.ts',
        'src/lib/maybe-promise.ts',
        'src/handlers/run-handler.ts',
        'src/protocol/tools-call.ts',
        'src/schema/standard-schema.ts',
      ].sort(),
    )
  })

  it('has a lib that depends on nothing', () => {
    expect(breaking(({ from, to }) => inside('src/lib')(from) && !inside('src/lib')(to))).toEqual(
      [],
    )
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

  it('writes constants in capitals and comments as sentences', () => {
    const lowercase =
      /^(?:export )?const [a-z]\w*(?:: [^=\n]+)? =\s*(?:-?\d|\/(?!\/)|'|\[|new (?:Set|Map|TextEncoder|TextDecoder|RegExp)\b)/m
    const dialect = files.filter((file) => !inCli(file))
    expect(dialect.filter((file) => lowercase.test(readFileSync(file, 'utf8')))).toEqual([])
    // A second line of a comment may begin with a small letter; a comment after code need not be a sentence.
    const smallComment = /^(?!\s*\/\/).*\n\s*\/\/ (?!biome-ignore|com\.)[a-z]/m
    expect(dialect.filter((file) => smallComment.test(readFileSync(file, 'utf8')))).toEqual([])
  })

  it('says in the first line of each file what it is for', () => {
    const silent = files.filter((file) => {
      const source = readFileSync(file, 'utf8').replace(/^#!.*\n/, '')
      return !source.startsWith('/**')
    })
    expect(silent).toEqual([])
  })
})
