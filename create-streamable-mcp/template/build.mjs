/** Bundles an entry for Lambda as ES modules: `node build.mjs lambda.ts <folder>`. */

import { build } from 'esbuild'

const [entry, outdir] = process.argv.slice(2)

await build({
  entryPoints: { index: entry },
  outdir,
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  // What is imported when it is needed stays in files of its own, which a cold start does not read.
  splitting: true,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: true,
  sourcesContent: false,
  // Lambda's runtime contains the AWS SDK, but perhaps not in a version that knows durable functions.
  external: entry === 'tasks.ts' ? [] : ['@aws-sdk/*'],
  // Some packages are CommonJS and ask for Node's modules.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
