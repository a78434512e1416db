/** The version of the package that this file belongs to. */

import { readFileSync } from 'node:fs'

/** Looks where the manifest is seen from the sources, then from their compiled form in `dist`. */
export function packageVersion(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))
      if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
        return String(manifest.version)
      }
    } catch {}
  }
  return 'unknown'
}
