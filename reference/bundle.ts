/** `npm run build:lambda`: bundles each Lambda entry into a folder of ES modules, and prints how much a cold start reads. */

import { rmSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import type { BuildOptions, Metafile } from 'esbuild'
import { build } from 'esbuild'
import { buildPage } from '../page/build.ts'

const { values } = parseArgs({
  options: {
    /** The one entry and its folder that `sam build` asks for. */
    entry: { type: 'string' },
    out: { type: 'string' },
  },
})

const options: BuildOptions = {
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // The bundler prefers CommonJS for Node, but a dynamic import of CommonJS has no named exports.
  mainFields: ['module', 'main'],
  // Modules of dynamic imports become separate files, which a cold start does not read.
  splitting: true,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  legalComments: 'none',
  // Some dependencies of the AWS clients are CommonJS and call `require` for Node's modules.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
}

// A function can show the page, which is loaded then.
await buildPage()
const entries = values.entry
  ? [values.entry]
  : ['lambda', 'tasks', 'authorizer'].map((name) => `reference/entry/${name}.ts`)
for (const entry of entries) {
  const name = basename(entry, '.ts')
  const outdir = values.out ?? `dist/lambda/${name}`
  rmSync(outdir, { recursive: true, force: true })
  const { metafile } = await build({ ...options, entryPoints: { index: entry }, outdir })
  if (metafile === undefined) continue
  const { eager, lazy } = weigh(metafile)
  process.stdout.write(`${name.padEnd(14)}  ${kib(eager)} at start, ${kib(lazy)} on demand\n`)
}

/** The bytes that every start reads, and the bytes that are loaded later. */
function weigh({ outputs }: Metafile): { eager: number; lazy: number } {
  const modules = Object.keys(outputs).filter((path) => path.endsWith('.mjs'))
  const eager = new Set<string>()
  const add = (path: string): void => {
    if (eager.has(path)) return
    eager.add(path)
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && next in outputs) add(next)
    }
  }
  // For esbuild the modules of dynamic imports are entry points, too, so ours is found by its name.
  add(modules.find((path) => basename(path) === 'index.mjs') ?? '')
  const size = (paths: string[]) =>
    paths.reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0)
  return { eager: size([...eager]), lazy: size(modules.filter((path) => !eager.has(path))) }
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`
}
