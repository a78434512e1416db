/** What our core adds to a bundle. */
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

export interface CoreSize {
  /** Bytes, minified, beyond Hono alone and without the author's schema library: what every start reads. */
  readonly atStart: number
  /** The same with the code of both eras. */
  readonly withEras: number
  /** The same with what verifies tokens and plain JSON Schema. */
  readonly withAll: number
  /** Packages besides Hono that the core imports at the start. */
  readonly imports: readonly string[]
}

/** The core bundled without the schema library and its converter, less Hono bundled alone. */
export async function coreSize(): Promise<CoreSize> {
  const hono = (await bundle("export { Hono } from 'hono'", [])).all
  const core = "export { createMcp } from './src/index.ts'"
  const schemas = ['valibot', '@valibot/to-json-schema']
  const ours = await bundle(core, [...schemas, 'jose', '@cfworker/json-schema'])
  const { all } = await bundle(core, schemas)
  return {
    atStart: ours.atStart - hono,
    withEras: ours.all - hono,
    withAll: all - hono,
    imports: ours.imports,
  }
}

async function bundle(contents: string, external: string[]) {
  const { metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    // what is imported on demand stays in files of its own
    splitting: true,
    outdir: 'bundle',
    write: false,
    metafile: true,
    format: 'esm',
    target: 'node20',
    external,
  })
  const { outputs } = metafile
  const start = startOf(outputs)
  const size = (paths: Iterable<string>) =>
    [...paths].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0)
  return {
    atStart: size(start),
    all: size(Object.keys(outputs)),
    imports: [...start].flatMap((path) =>
      (outputs[path]?.imports ?? []).flatMap(({ kind, path: to, external: outside }) =>
        outside && kind === 'import-statement' ? to : [],
      ),
    ),
  }
}

/** The entry and the chunks it imports by statements. */
function startOf(outputs: Metafile['outputs']): Set<string> {
  const found = new Set<string>()
  const add = (path: string) => {
    if (found.has(path) || !outputs[path]) return
    found.add(path)
    for (const { kind, path: to } of outputs[path].imports) if (kind === 'import-statement') add(to)
  }
  const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === '<stdin>')
  if (entry) add(entry)
  return found
}
