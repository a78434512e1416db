/** Runs the command-line client in a pseudo-terminal, in which a test types and reads like a person. */
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Terminal } from './terminal.ts'
import { openTerminal as runInTerminal } from './terminal.ts'

/** Dependencies in CommonJS call `require`, which a module does not have. */
const REQUIRE = `import { createRequire as requireOf } from 'node:module'
const require = requireOf(import.meta.url)`

/** Bundles the client into one file, because these tests start it often and would compile it each time. */
export const program = await bundle()

export type { Terminal } from './terminal.ts'

export function openTerminal(
  args: readonly string[],
  env: Record<string, string | undefined>,
): Terminal {
  return runInTerminal([process.execPath, program, ...args], {
    NO_COLOR: '1',
    BROWSER: 'none',
    ...env,
  })
}

/** Creates a folder for logins and history, which is removed after the test. */
export async function temporaryHome(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'cli-home-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

async function bundle(): Promise<string> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  const folder = at('../../cli/.cache')
  const draft = join(folder, `${process.pid}.mjs`)
  await build({
    entryPoints: [at('../../cli/src/main.ts')],
    outfile: draft,
    bundle: true,
    format: 'esm',
    platform: 'node',
    // It loads its own files by their names.
    external: ['tsx'],
    // With its dependencies in it, the client starts in half of the time.
    banner: { js: REQUIRE },
    logLevel: 'error',
  })
  // Test files run at the same time, and each creates the same file.
  await rename(draft, join(folder, 'main.mjs'))
  return join(folder, 'main.mjs')
}
