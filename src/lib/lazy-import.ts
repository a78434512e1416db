/** Code that is read with its first use, and at hand from then on. */

/** The module, or the promise of it while it is being read: awaiting what is there would cost a turn. */
export function lazyImport<T>(load: () => Promise<T>): () => T | Promise<T> {
  let loaded: T | undefined
  return () =>
    loaded ??
    load().then((module) => {
      loaded = module
      return module
    })
}
