/** Bundles a TypeScript file as a Lambda function, with the same build as the real functions. */

import { execFileSync } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import { tools } from './lambda-host.ts'

const root = new URL('../..', import.meta.url).pathname

/** Returns the folder with the bundle, the task root of a Lambda host. */
export function bundle(entry: string): string {
  const file = new URL(entry, import.meta.url).pathname
  const name = `${basename(dirname(file))}-${basename(file, '.ts')}`
  const folder = join(tools, 'functions', name)
  const build = ['tsx', 'reference/bundle.ts', '--entry', file, '--out', folder]
  execFileSync('npx', build, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  return folder
}
