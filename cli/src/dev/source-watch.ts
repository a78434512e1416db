/** Tells when one of the author's files has other contents than before. */

import { createHash } from 'node:crypto'
import type { FSWatcher } from 'node:fs'
import { readFileSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'

/** Editors write a file in several steps; this many milliseconds after the last one it is read. */
const SETTLED_AFTER = 60

export interface SourceWatch {
  add(path: string): void
  close(): void
}

/**
 * Watches the folders of the files, because an editor may replace a file by another one of its name.
 * `changed` gets the paths that changed.
 */
export function watchSources(changed: (paths: readonly string[]) => void): SourceWatch {
  const digests = new Map<string, string>()
  const folders = new Map<string, FSWatcher>()
  let timer: NodeJS.Timeout | undefined

  function look(): void {
    const others: string[] = []
    for (const [path, before] of digests) {
      const now = digestOf(path)
      // A file that is missing for a moment is about to be replaced.
      if (now === undefined || now === before) continue
      digests.set(path, now)
      others.push(path)
    }
    if (others.length > 0) changed(others)
  }

  function settle(): void {
    clearTimeout(timer)
    timer = setTimeout(look, SETTLED_AFTER)
  }

  return {
    add(path) {
      digests.set(path, digestOf(path) ?? '')
      const folder = dirname(path)
      if (folders.has(folder)) return
      const watcher = watch(folder, (_, name) => {
        if (name === null || digests.has(join(folder, name))) settle()
      })
      // The folder may be deleted while it is watched.
      watcher.on('error', () => folders.delete(folder))
      folders.set(folder, watcher)
    },
    close() {
      clearTimeout(timer)
      for (const watcher of folders.values()) watcher.close()
    },
  }
}

function digestOf(path: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  } catch {
    return undefined
  }
}
