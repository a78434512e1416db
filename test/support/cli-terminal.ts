/** The command-line client in a pseudo-terminal, typed at and read as a person would. */
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Terminal } from './terminal.ts'
import { openTerminal as runInTerminal } from './terminal.ts'

/** The client as one plain file: its many starts in these tests need not compile it each time. */
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

/** A private folder for logins and history, gone after the test. */
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
    packages: 'external',
  })
  // Test files run side by side, and each makes the same file.
  await rename(draft, join(folder, 'main.mjs'))
  return join(folder, 'main.mjs')
}
