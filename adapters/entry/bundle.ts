/** `npm run build:lambda`: each Lambda entry as a folder of ES modules, with sizes, and a limit on them. */

import { rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type BuildOptions, build, type Metafile } from 'esbuild'

const { values } = parseArgs({
  options: {
    /** Only this entry, into this folder: what `sam build` asks for. */
    entry: { type: 'string' },
    out: { type: 'string' },
  },
})

const KIB = 1024
/** Of the core over Hono alone, without the author's schema library and AWS clients (design.md, section 9). */
const coreBudget = 40 * KIB

const shared: BuildOptions = {
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // What is imported lazily stays in files of its own, which a cold start does not read.
  splitting: true,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  legalComments: 'none',
  // Some dependencies of the AWS clients are CommonJS and ask for Node's modules.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
}

const entries = values.entry ? [values.entry] : ['lambda', 'authorizer']
for (const entry of entries) {
  const outdir = values.out ?? `dist/lambda/${entry}`
  rmSync(outdir, { recursive: true, force: true })
  const { metafile } = await build({
    ...shared,
    entryPoints: { index: `adapters/entry/${entry}.ts` },
    outdir,
  })
  if (metafile) print(entry, metafile)
}
const core = (await measure('src/index.ts')) - (await measure('hono'))
process.stdout.write(`core over Hono  ${kib(core)} of at most ${kib(coreBudget)}\n`)
if (core > coreBudget) {
  process.stderr.write('The core is larger than design.md section 9 allows.\n')
  process.exitCode = 1
}

/** What every cold start reads, and what waits for the path that needs it. */
function print(entry: string, { outputs }: Metafile): void {
  const eager = new Set<string>()
  const add = (path: string): void => {
    if (eager.has(path)) return
    eager.add(path)
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && next in outputs) add(next)
    }
  }
  const modules = Object.keys(outputs).filter((path) => path.endsWith('.mjs'))
  add(modules.find((path) => path.endsWith('/index.mjs')) ?? '')
  const size = (paths: string[]) =>
    paths.reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0)
  const lazy = modules.filter((path) => !eager.has(path))
  process.stdout.write(
    `${entry.padEnd(14)}  ${kib(size([...eager]))} at start, ${kib(size(lazy))} on demand\n`,
  )
}

/** What the whole of an import weighs, minified, without what authors and accounts bring themselves. */
async function measure(path: string): Promise<number> {
  const { outputFiles } = await build({
    ...shared,
    banner: {},
    splitting: false,
    sourcemap: false,
    write: false,
    stdin: {
      contents: `export * from '${path.startsWith('src') ? './' : ''}${path}'`,
      resolveDir: '.',
    },
    external: ['valibot', '@valibot/*', '@aws-sdk/*'],
  })
  return outputFiles?.[0]?.contents.length ?? 0
}

function kib(bytes: number): string {
  return `${(bytes / KIB).toFixed(1)} KiB`
}
