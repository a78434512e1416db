/** A TypeScript file as the only module of a function. */

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** The folder that a Lambda host takes as its task root. */
export async function bundle(entry: URL): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'function-'))
  await build({
    entryPoints: { index: entry.pathname },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
  })
  return folder
}
