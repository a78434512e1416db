/** What our core adds to a bundle. */
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

export interface CoreSize {
  /** Bytes, minified, beyond Hono alone and without the author's schema library: what is loaded at the start. */
  readonly atStart: number
  /** The same with what is loaded only on the path that needs it: token verification, plain JSON Schema. */
  readonly withAll: number
  /** Packages besides Hono that the core imports at the start. */
  readonly imports: readonly string[]
}

/** The core bundled without the schema library and its converter, less Hono bundled alone. */
export async function coreSize(): Promise<CoreSize> {
  const hono = await bundle("export { Hono } from 'hono'", [])
  const core = "export { createMcp } from './src/index.ts'"
  const schemas = ['valibot', '@valibot/to-json-schema']
  const later = ['jose', '@cfworker/json-schema']
  const start = await bundle(core, [...schemas, ...later])
  const all = await bundle(core, schemas)
  return {
    atStart: start.bytes - hono.bytes,
    withAll: all.bytes - hono.bytes,
    imports: Object.values(start.metafile.outputs).flatMap(({ imports }) =>
      imports.flatMap(({ kind, path }) => (kind === 'import-statement' ? path : [])),
    ),
  }
}

async function bundle(
  contents: string,
  external: string[],
): Promise<{ bytes: number; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'node20',
    external,
  })
  return {
    bytes: outputFiles.reduce((sum, { contents: text }) => sum + text.byteLength, 0),
    metafile,
  }
}
