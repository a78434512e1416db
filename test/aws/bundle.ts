/** A TypeScript file as a function, by the build that makes the real ones. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The folder that a Lambda host takes as its task root. */
export function bundle(entry: string): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'function-')), 'root')
  const file = new URL(entry, import.meta.url).pathname
  const build = ['tsx', 'adapters/entry/bundle.ts', '--entry', file, '--out', folder]
  execFileSync('npx', build, { stdio: ['ignore', 'ignore', 'inherit'] })
  return folder
}
