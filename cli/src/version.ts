/** The version of this package. */

import { readFileSync } from 'node:fs'

/** The manifest is one folder above this file, in the sources as well as in their compiled form. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return known ? String(manifest.version) : 'unknown'
}
