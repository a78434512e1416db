/** Modules that are loaded at their first use. */
import type { MaybePromise } from './maybe-promise.ts'

/** One function for each module that is loaded at its first use. The list grows with the modules that are loaded. */
const LOADERS: (() => MaybePromise<unknown>)[] = []

/**
 * Returns a function that loads a module. It returns the module itself once that is loaded, and a promise
 * of it before. A failure is not remembered, so the next caller tries again: files may be missing for a
 * moment while a deployment replaces them. Call it at the top of a module, because {@link importAll} keeps
 * the function.
 *
 * @example const prompts = lazyImport(() => import('./prompts-get.ts'))
 */
export function lazyImport<T>(load: () => Promise<T>): () => MaybePromise<T> {
  let loaded: T | undefined
  let loading: Promise<T> | undefined
  const start = async () => {
    try {
      loaded = await load()
      return loaded
    } finally {
      loading = undefined
    }
  }
  const get = () => {
    if (loaded) return loaded
    // Callers of the same time wait for one promise, so they go on in the order in which they came.
    loading ??= start()
    return loading
  }
  LOADERS.push(get)
  return get
}

/** Loads every module that is loaded at its first use. A module that fails is left to its first user. */
export async function importAll(): Promise<void> {
  // A loaded module may add more: the loop reaches them too.
  for (const load of LOADERS) {
    try {
      await load()
    } catch {
      // The request that needs the module reports the failure.
    }
  }
}
