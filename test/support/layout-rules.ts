/**
 * The rules of the layout as functions over sources. Each has examples that it must refuse, so that a rule
 * which no longer catches anything is noticed.
 */
import { dirname, join, normalize } from 'node:path'

export interface Source {
  /** From the top of the repository: `src/app.ts`. */
  readonly path: string
  readonly text: string
}

export interface Import {
  readonly from: string
  /** The path from the top of the repository, or the name of a package. */
  readonly to: string
  readonly kind: 'value' | 'type' | 'dynamic'
}

export interface Rule {
  /** Completes the sentence "The layout …". */
  readonly title: string
  /** One sentence for each violation. */
  find(sources: readonly Source[]): string[]
  /** Each is a small tree, by path, with at least one violation. */
  readonly refuses: readonly { readonly [path: string]: string }[]
}

/** The imports of a source as written, types included. */
export function importsOf({ path, text }: Source): Import[] {
  // An example in a comment imports nothing.
  const code = text.replace(/^ *\/\*\*[\s\S]*?\*\//gm, '')
  const statics = code.matchAll(/^\s*(?:import|export)\s(type\s)?[^'"]*?from\s+'([^']+)'/gm)
  const bare = code.matchAll(/^\s*import\s+'([^']+)'/gm)
  const dynamics = code.matchAll(/import\('([^']+)'\)/g)
  const resolve = (to = '') => (to.startsWith('.') ? normalize(join(dirname(path), to)) : to)
  const one = (to: string | undefined, kind: Import['kind']): Import => ({
    from: path,
    to: resolve(to),
    kind,
  })
  return [
    ...[...statics].map(([, type, to]) => one(to, type ? 'type' : 'value')),
    ...[...bare].map(([, to]) => one(to, 'value')),
    ...[...dynamics].map(([, to]) => one(to, 'dynamic')),
  ]
}

/** A source without its comments and texts. */
function codeOf({ text }: Source): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/\s\/\/ .*$/gm, '')
    .replace(/'[^'\n]*'/g, "''")
}

/** Whether a path lies in one of the folders, or is one of the files. */
const inside =
  (...places: string[]) =>
  (path: string) =>
    places.some((place) => path === place || path.startsWith(`${place}/`))

const inSrc = inside('src')
const inAdapters = inside('adapters')
const inReference = inside('reference')
const inCli = inside('cli')
const inCreate = inside('create-streamable-mcp')
const inPage = inside('page')
const isFile = (to: string) => /\.tsx?$/.test(to)

/** Where HTTP is not known. */
const belowHttp = inside(
  'src/protocol',
  'src/state',
  'src/client-requests',
  'src/handlers',
  'src/schema',
  'src/lib',
  'src/tasks',
)

/** What each room of `src` may import besides itself. The files at the top are `createMcp()` and its exports. */
const BORDERS: { readonly [room: string]: readonly string[] } = {
  'src/lib': [],
  'src/schema': ['src/lib'],
  'src/state': ['src/lib', 'src/protocol'],
  'src/client-requests': ['src/lib', 'src/schema', 'src/state', 'src/protocol', 'src/handlers'],
  'src/handlers': [
    ...['src/lib', 'src/schema', 'src/state', 'src/protocol', 'src/client-requests'],
    ...['src/auth/auth.ts', 'src/server.ts'],
  ],
  'src/protocol': [
    ...['src/lib', 'src/schema', 'src/handlers'],
    ...['src/auth/auth.ts', 'src/server.ts'],
    // Loaded with the first durable call.
    ...['src/tasks/call-tool.ts', 'src/tasks/extension.ts'],
  ],
  'src/tasks': [
    ...['src/lib', 'src/schema', 'src/state', 'src/protocol', 'src/client-requests'],
    ...['src/handlers', 'src/auth/auth.ts', 'src/server.ts'],
  ],
  'src/extensions': [
    'src/lib',
    'src/schema',
    'src/protocol',
    'src/handlers',
    'src/mcp-interface.ts',
  ],
  'src/auth': ['src/lib', 'src/protocol', 'src/http/status.ts'],
  'src/http': [
    ...['src/lib', 'src/state', 'src/protocol', 'src/client-requests', 'src/handlers'],
    ...['src/auth/auth.ts', 'src/server.ts'],
  ],
}

/** Packages that run on any host. */
const PACKAGES = /^(hono|jose|@cfworker|@standard-schema|@valibot)(\/|$)/

/** Packages that are large, or that only some users have. */
const HEAVY = /^(@aws-sdk|@smithy|jose|ioredis|pg)(\/|$)/

/** Names that only some hosts have. A property of ours may be called so. */
const HOST =
  /(?<![.\w#])(?:process\b(?=\s*\??[.[])|globalThis\s*\??\.\s*process|Buffer\b|require\s*\(|import\.meta|__dirname|__filename|Deno\b|Bun\b)/

/** The synchronous fast path of a call, and what it stands on. */
const FAST_PATH = inside(
  'src/http/call-stream.ts',
  'src/http/dispatch.ts',
  'src/lib/maybe-promise.ts',
  'src/handlers/run-handler.ts',
  'src/protocol/tools-call.ts',
  'src/schema/standard-schema.ts',
)

/** Modules that run when they are imported. */
const isEntry = inside(
  'reference/entry',
  'cli/src/main.ts',
  'create-streamable-mcp/src/main.ts',
  'create-streamable-mcp/src/generate.ts',
  'reference/bundle.ts',
)

export const MOST_LINES = 300

/** A rule about single imports. */
function noImport(
  title: string,
  isWrong: (one: Import, imports: readonly Import[]) => boolean,
  refuses: Rule['refuses'],
): Rule {
  return {
    title,
    find(sources) {
      const imports = sources.flatMap(importsOf)
      return imports
        .filter((one) => isWrong(one, imports))
        .map(({ from, to }) => `${from} imports ${to}`)
    },
    refuses,
  }
}

/** A rule about the text of single files. */
function noText(
  title: string,
  isWrong: (source: Source) => boolean,
  refuses: Rule['refuses'],
): Rule {
  return {
    title,
    find: (sources) => sources.filter(isWrong).map(({ path }) => path),
    refuses,
  }
}

const imports = (to: string) => `import { a } from '${to}'\n`

export const RULES: readonly Rule[] = [
  noImport(
    'has a src that imports no host and few packages',
    ({ from, to }) => inSrc(from) && !inSrc(to) && !PACKAGES.test(to),
    [
      { 'src/a.ts': imports('node:fs') },
      { 'src/a.ts': imports('valibot') },
      { 'src/a.ts': imports('honoured') },
      { 'src/a.ts': "import 'undici'\n" },
      { 'src/a.ts': "const a = await import('zod')\n" },
      { 'src/a.ts': "import type { A } from '@types/node'\n" },
    ],
  ),
  noText(
    'has a src that names no host',
    (source) => inSrc(source.path) && HOST.test(codeOf(source)),
    [
      'process.env.PORT',
      'process?.env',
      'globalThis.process',
      'Buffer.from(text)',
      "require('fs')",
      'import.meta.dirname',
      '__dirname',
      'Deno.env',
      'Bun.serve({})',
    ].map((code) => ({ 'src/a.ts': `const a = ${code}\n` })),
  ),
  noImport(
    'loads AWS, jose and the drivers of databases only on the path that needs them',
    ({ from, to, kind }, all) => {
      const isDynamic = inside('src', 'reference/tools')(from)
      const isLazy = isDynamic && !all.some((other) => other.kind === 'value' && other.to === from)
      return kind === 'value' && HEAVY.test(to) && !isLazy
    },
    [
      { 'adapters/a.ts': imports('@aws-sdk/client-dynamodb') },
      { 'adapters/a.ts': imports('ioredis') },
      { 'adapters/a.ts': imports('pg') },
      { 'src/a.ts': imports('jose/jwt'), 'src/b.ts': imports('./a.ts') },
    ],
  ),
  noImport(
    'has adapters that import only the public API',
    ({ from, to }) => inAdapters(from) && inSrc(to) && to !== 'src/index.ts',
    [
      { 'adapters/a.ts': imports('../src/mcp.ts') },
      { 'adapters/redis/a.ts': "import type { A } from '../../src/state/store.ts'\n" },
    ],
  ),
  noImport(
    'has a src that knows no adapter, reference or command-line client',
    ({ from, to }) => inSrc(from) && inside('adapters', 'reference', 'cli')(to),
    [
      { 'src/a.ts': imports('../adapters/node.ts') },
      { 'src/http/a.ts': imports('../../reference/tools/a.ts') },
      { 'src/a.ts': imports('../cli/src/text.ts') },
    ],
  ),
  noImport(
    'has adapters that know no reference server',
    ({ from, to }) => inAdapters(from) && inReference(to),
    [{ 'adapters/a.ts': imports('../reference/server.ts') }],
  ),
  noImport(
    'has a reference server that uses the public API alone',
    ({ from, to }) => inReference(from) && inSrc(to) && to !== 'src/index.ts',
    [{ 'reference/a.ts': imports('../src/mcp.ts') }],
  ),
  noImport(
    'has tools that know no adapter',
    ({ from, to }) => inside('reference/tools')(from) && inAdapters(to),
    [{ 'reference/tools/a.ts': imports('../../adapters/lambda.ts') }],
  ),
  noImport(
    'has a command-line client that imports nothing else, and that nothing else imports',
    ({ from, to }) => (isFile(to) && inCli(from) && !inCli(to)) || (!inCli(from) && inCli(to)),
    [
      { 'cli/src/a.ts': imports('../../src/index.ts') },
      { 'reference/a.ts': imports('../cli/src/text.ts') },
    ],
  ),
  noImport(
    'has a starter that imports nothing else, and that nothing else imports',
    ({ from, to }) =>
      (isFile(to) && inCreate(from) && !inCreate(to)) || (!inCreate(from) && inCreate(to)),
    [
      { 'create-streamable-mcp/src/a.ts': imports('../../src/index.ts') },
      { 'reference/a.ts': imports('../create-streamable-mcp/src/project.ts') },
    ],
  ),
  noImport(
    'has a page that imports nothing else, and that nothing else imports',
    ({ from, to }) =>
      (isFile(to) && inPage(from) && !inPage(to)) ||
      (!inPage(from) && inPage(to) && from !== 'reference/bundle.ts'),
    [
      { 'page/src/a.tsx': imports('../../src/index.ts') },
      { 'adapters/a.ts': imports('../page/src/json.ts') },
    ],
  ),
  noText(
    'has a page that makes no HTML of a text',
    (source) =>
      inPage(source.path) &&
      /dangerouslySetInnerHTML|\b(inner|outer)HTML\b|insertAdjacentHTML|\bsrcdoc\b|\beval\(/i.test(
        codeOf(source),
      ),
    [
      { 'page/src/a.tsx': 'const a = <p dangerouslySetInnerHTML={{ __html: text }} />' },
      { 'page/src/a.ts': 'element.innerHTML = text' },
    ],
  ),
  noImport('has entries that nothing imports', ({ to }) => isEntry(to), [
    { 'reference/a.ts': imports('./entry/node.ts') },
    { 'cli/src/a.ts': "await import('./main.ts')\n" },
    { 'reference/a.ts': imports('./bundle.ts') },
  ]),
  noImport(
    'keeps the borders between the rooms of src',
    ({ from, to }) => {
      const room = Object.keys(BORDERS).find((one) => inside(one)(from))
      return room !== undefined && inSrc(to) && !inside(room, ...(BORDERS[room] ?? []))(to)
    },
    [
      { 'src/lib/a.ts': imports('../state/store.ts') },
      { 'src/schema/a.ts': imports('../protocol/errors.ts') },
      { 'src/state/a.ts': imports('../handlers/context.ts') },
      { 'src/state/event-log/a.ts': imports('../../client-requests/a.ts') },
      { 'src/client-requests/a.ts': imports('../server.ts') },
      { 'src/handlers/a.ts': imports('../app.ts') },
      { 'src/handlers/a.ts': "import type { A } from '../http/sse.ts'\n" },
      { 'src/protocol/a.ts': imports('../auth/bearer.ts') },
      { 'src/protocol/a.ts': "await import('../http/sse.ts')\n" },
      { 'src/auth/a.ts': imports('../http/cors.ts') },
      { 'src/http/a.ts': imports('../app.ts') },
      { 'src/http/legacy/a.ts': imports('../../mcp.ts') },
    ],
  ),
  noImport(
    'loads the code of tasks with the first durable call',
    ({ from, to, kind }) =>
      inside('src/tasks')(to) &&
      !inside('src/tasks')(from) &&
      kind !== 'dynamic' &&
      // The types of runners, and the function that names the default one.
      !inside('src/tasks/runner.ts', 'src/tasks/in-process.ts')(to),
    [
      { 'src/mcp.ts': imports('./tasks/engine.ts') },
      { 'src/protocol/a.ts': "import type { A } from '../tasks/task.ts'\n" },
    ],
  ),
  noText(
    'loads every later module of src through lazyImport, so that preload() loads it as well',
    (source) =>
      inSrc(source.path) && /(?<!lazyImport\(\(\) => |typeof )\bimport\(/.test(codeOf(source)),
    [
      { 'src/a.ts': "const a = await import('./b.ts')\n" },
      { 'src/a.ts': "const a = () => import('./b.ts')\n" },
    ],
  ),
  noImport(
    'lets nothing below http/ know of Hono',
    ({ from, to }) => belowHttp(from) && /^(hono|@hono)(\/|$)/.test(to),
    [{ 'src/handlers/a.ts': imports('hono') }, { 'src/lib/a.ts': imports('hono/cors') }],
  ),
  noText(
    'lets nothing below http/ make, read or name a Response',
    (source) => belowHttp(source.path) && /\bResponse\b/.test(codeOf(source)),
    [
      { 'src/protocol/a.ts': 'const a = new Response(null)\n' },
      { 'src/state/a.ts': 'const a = () => Response.json({})\n' },
      { 'src/handlers/a.ts': 'function a(): Promise<Response> {}\n' },
      { 'src/schema/a.ts': 'const is = (a) => a instanceof Response\n' },
    ],
  ),
  noImport(
    'keeps the eras apart, so that one can be deleted, and loads each with its first client',
    ({ from, to, kind }) => {
      const legacy = inside('src/http/legacy')
      const modern = inside('src/http/modern')
      if (legacy(from)) return modern(to)
      if (modern(from)) return legacy(to)
      return kind === 'value' && (legacy(to) || modern(to))
    },
    [
      { 'src/http/legacy/a.ts': "import type { A } from '../modern/b.ts'\n" },
      { 'src/http/modern/a.ts': "await import('../legacy/b.ts')\n" },
      { 'src/app.ts': imports('./http/legacy/post.ts') },
    ],
  ),
  noText(
    'names the status codes of the endpoint in one file',
    ({ path, text }) =>
      inside('src/http', 'src/app.ts', 'src/auth/challenge.ts')(path) &&
      path !== 'src/http/status.ts' &&
      // Years and sizes have more digits, or letters beside them.
      /(?<![\w.'-])[2-5]\d\d(?![\w.'-])/.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
    [
      { 'src/http/legacy/a.ts': 'const a = { status: 404 }\n' },
      { 'src/app.ts': 'return new Response(null, { status: 202 })\n' },
      { 'src/auth/challenge.ts': 'const a = 401\n' },
    ],
  ),
  noText(
    'handles synchronous results in the fast path of a call, and nowhere else',
    (source) =>
      inSrc(source.path) &&
      !FAST_PATH(source.path) &&
      /instanceof Promise\b|'then' in\b|\.then\s*[!=]==|\.then\)/.test(
        source.text.replace(/\/\*[\s\S]*?\*\//g, ''),
      ),
    [
      { 'src/state/a.ts': 'return a instanceof Promise ? b() : c\n' },
      { 'src/handlers/a.ts': "if ('then' in a) return b()\n" },
      { 'src/http/a.ts': "if (typeof a.then === 'function') return b()\n" },
    ],
  ),
  {
    title: 'has no import cycle, types included',
    find: cycles,
    refuses: [
      {
        'src/a.ts': imports('./b.ts'),
        'src/b.ts': imports('./c.ts'),
        'src/c.ts': imports('./a.ts'),
      },
      { 'src/a.ts': "import type { A } from './b.ts'\n", 'src/b.ts': "await import('./a.ts')\n" },
    ],
  },
  noText(
    'writes constants of a module in capitals',
    ({ text }) =>
      /^(?:export )?const [a-z]\w*(?:: [^=\n]+)? =\s*(?:-?\d|\/(?!\/)|'|\[|new (?:Set|Map|TextEncoder|TextDecoder|RegExp)\b)/m.test(
        text,
      ),
    [
      { 'cli/src/a.ts': 'const limit = 1_000\n' },
      { 'src/a.ts': 'export const pattern = /a/\n' },
      { 'adapters/a.ts': "const names: readonly string[] = ['a']\n" },
      { 'reference/a.ts': 'const known = new Map()\n' },
    ],
  ),
  noText(
    'begins each comment with a capital letter',
    // A second line of a comment may begin with a small letter; a comment after code need not be a sentence.
    ({ text }) => /^(?!\s*\/\/).*\n\s*\/\/ (?!biome-ignore|com\.)[a-z]/m.test(text),
    [{ 'cli/src/a.ts': 'const a = 1\n// the reason\n' }],
  ),
  noText(
    'says in the first line of each file what it is for',
    ({ text }) => !text.replace(/^#!.*\n/, '').startsWith('/**'),
    [{ 'src/a.ts': imports('./b.ts') }],
  ),
  noText(
    `has no file above ${MOST_LINES} lines`,
    ({ text }) => text.trimEnd().split('\n').length > MOST_LINES,
    [{ 'src/a.ts': `/** A file. */\n${'const A = 1\n'.repeat(MOST_LINES)}` }],
  ),
]

function cycles(sources: readonly Source[]): string[] {
  const edges = sources.flatMap(importsOf)
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) {
      found.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const { from, to } of edges) {
      if (from === file && isFile(to)) visit(to, [...path, file])
    }
    done.add(file)
  }
  for (const { path } of sources) visit(path, [])
  return found
}
