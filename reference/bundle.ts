/** `npm run build:lambda`: each Lambda entry as a folder of ES modules; tells what a cold start reads of it. */

import { rmSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import type { BuildOptions, Metafile } from 'esbuild'
import { build } from 'esbuild'

const { values } = parseArgs({
  options: {
    /** Only this file, into this folder: what `sam build` asks for. */
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
  // CommonJS, which esbuild prefers for Node, would lose its named exports where it is imported when it is needed.
  mainFields: ['module', 'main'],
  // What is imported when it is needed stays in files of its own, which a cold start does not read.
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

const entries = values.entry
  ? [values.entry]
  : ['reference/entry/lambda.ts', 'reference/entry/authorizer.ts']
for (const entry of entries) {
  const name = basename(entry, '.ts')
  const outdir = values.out ?? `dist/lambda/${name}`
  rmSync(outdir, { recursive: true, force: true })
  const { metafile } = await build({ ...options, entryPoints: { index: entry }, outdir })
  if (metafile === undefined) continue
  const { eager, lazy } = weigh(metafile)
  process.stdout.write(`${name.padEnd(14)}  ${kib(eager)} at start, ${kib(lazy)} on demand\n`)
}

/** Bytes that every start reads, and bytes that wait for the path that needs them. */
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
  // Lazy chunks are entry points to esbuild as well; ours has its own name.
  add(modules.find((path) => basename(path) === 'index.mjs') ?? '')
  const size = (paths: string[]) =>
    paths.reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0)
  return { eager: size([...eager]), lazy: size(modules.filter((path) => !eager.has(path))) }
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`
}
