/** Measures how many bytes our core adds to a bundle, and how large the bundle of each server is. */
import { fileURLToPath } from 'node:url'
import type { Metafile, Platform } from 'esbuild'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The modules that `app.ts` loads with the first request of an era. */
const ERA_ENTRY = /^src\/http\/(legacy|modern)\/(post|get)\.ts$/

export interface CoreSize {
  /** The minified bytes that every start reads, without Hono and without the author's schema library. */
  readonly atStart: number
  /** The same with the code of both eras, without code that the first use of a feature loads. */
  readonly withEras: number
  /** The same with the code that verifies tokens and checks plain JSON Schema. */
  readonly withAll: number
  /** Packages besides Hono that the core imports at the start. */
  readonly imports: readonly string[]
}

/** Returns the size of the core without the schema library and its converter, minus the size of Hono alone. */
export async function coreSize(): Promise<CoreSize> {
  const hono = (await bundle("export { Hono } from 'hono'", [])).all
  const core = "export { createMcp } from './src/index.ts'"
  const schemas = ['valibot', '@valibot/to-json-schema']
  const ours = await bundle(core, [...schemas, 'jose', '@cfworker/json-schema'])
  const { all } = await bundle(core, schemas)
  return {
    atStart: ours.atStart - hono,
    withEras: ours.withEras - hono,
    withAll: all - hono,
    imports: ours.imports,
  }
}

export interface ServerSize {
  readonly label: string
  /** The minified bytes that a start reads, minus the floor's. They include the tools' schema library. */
  readonly atStart: number
  /** The same with the code that is loaded later. */
  readonly all: number
}

/** The name of a file in bench/servers. The type `Contender` would import packages that the tests do not have. */
interface Bundled {
  readonly label: string
  readonly server: string
}

export async function serverSizes(
  contenders: readonly Bundled[],
  bare: Bundled,
): Promise<ServerSize[]> {
  const sizeOf = ({ server }: Bundled) =>
    // The package fastmcp can use these schema libraries, but they are not installed.
    bundle(`import './bench/servers/${server}.ts'`, ['effect', 'sury'], 'node')
  const floor = await sizeOf(bare)
  const sizes: ServerSize[] = []
  for (const contender of contenders) {
    const { atStart, all } = await sizeOf(contender)
    const { label } = contender
    sizes.push({ label, atStart: atStart - floor.atStart, all: all - floor.all })
  }
  return sizes
}

async function bundle(contents: string, external: string[], platform: Platform = 'browser') {
  const { metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    // Modules of dynamic imports become separate files.
    splitting: true,
    outdir: 'bundle',
    write: false,
    metafile: true,
    format: 'esm',
    target: 'node20',
    platform,
    external,
    logLevel: 'error',
  })
  const { outputs } = metafile
  const start = reached(outputs, ['import-statement'])
  const isEra = (path: string) => ERA_ENTRY.test(outputs[path]?.entryPoint ?? '')
  const eras = Object.keys(outputs).filter(isEra)
  const withEras = new Set(
    [start, ...eras.map((era) => reached(outputs, ['import-statement'], era))].flatMap((set) => [
      ...set,
    ]),
  )
  const size = (paths: Iterable<string>) =>
    [...paths].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0)
  return {
    atStart: size(start),
    withEras: size(withEras),
    // The bundler also writes chunks of modules that tree shaking removed, and that are not imported any more.
    all: size(reached(outputs, ['import-statement', 'dynamic-import'])),
    imports: [...start].flatMap((path) =>
      (outputs[path]?.imports ?? []).flatMap(({ kind, path: to, external: outside }) =>
        outside && kind === 'import-statement' ? to : [],
      ),
    ),
  }
}

/** Returns the entry and the chunks that it reaches through imports of these kinds. */
function reached(
  outputs: Metafile['outputs'],
  kinds: readonly string[],
  from?: string,
): Set<string> {
  const found = new Set<string>()
  const add = (path: string) => {
    if (found.has(path) || !outputs[path]) return
    found.add(path)
    for (const { kind, path: to } of outputs[path].imports) if (kinds.includes(kind)) add(to)
  }
  const entry = from ?? Object.keys(outputs).find((path) => outputs[path]?.entryPoint === '<stdin>')
  if (entry) add(entry)
  return found
}
