/** Modules that are loaded at their first use. */

/** Returns the module itself once it is loaded, and before that a promise of it. */
export function lazyImport<T>(load: () => Promise<T>): () => T | Promise<T> {
  let loaded: T | undefined
  return () =>
    loaded ??
    load().then((module) => {
      loaded = module
      return module
    })
}
