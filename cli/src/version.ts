/** The version of this package. */

import { readFileSync } from 'node:fs'

/** The package.json is one folder above this file, both in the sources and in the compiled package. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return known ? String(manifest.version) : 'unknown'
}
