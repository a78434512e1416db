/** Bundles each server into one file, so that all start alike, and so that the size of the file can be compared. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Files in `servers/` that are parts of servers. */
const PARTS = ['serving.ts', 'fixed.ts', 'tools.ts', 'sdk1.ts', 'our-tools.ts']

export async function buildServers(): Promise<void> {
  await build({
    entryPoints: readdirSync(here('servers'))
      .filter((file) => !PARTS.includes(file))
      .map((file) => here(`servers/${file}`)),
    outdir: here('dist'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // The package fastmcp can use these schema libraries, but they are not installed.
    external: ['effect', 'sury'],
    // Some packages contain CommonJS and load Node's modules with `require`.
    banner: {
      js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    },
    logLevel: 'error',
  })
}
