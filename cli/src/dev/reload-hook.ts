/**
 * A hook for the module loader: the author's files are loaded anew with each generation, while packages stay
 * as they are. A generation is a number in the query of a module's URL, which its imports inherit.
 */

import type { MessagePort } from 'node:worker_threads'

/** What a loader knows of a module before it is loaded. */
export interface Resolved {
  readonly url: string
  readonly format?: string | null | undefined
}

interface ResolveContext {
  readonly parentURL?: string | undefined
}

type Next<R> = (specifier: string, context?: ResolveContext) => R

const GENERATION = /[?&]dev=(\d+)/

/** Begins the specifier of a package as a file of the author finds it: `from-author:<file URL> <package>`. */
const FROM_AUTHOR = 'from-author:'

/** The specifier that imports a package of the author's project, from `file`. */
export function fromAuthor(file: URL, name: string): string {
  return `${FROM_AUTHOR}${file.href} ${name}`
}

/** Adds the generation to the URL of a file of the author. Calls `loaded` with it. */
export function inGeneration(
  generation: string,
  resolved: Resolved,
  loaded: (url: string) => void,
): Resolved {
  const { url } = resolved
  if (!url.startsWith('file:') || url.includes('/node_modules/')) return resolved
  loaded(url)
  const own = GENERATION.test(url) ? url : `${url}${url.includes('?') ? '&' : '?'}dev=${generation}`
  // A project without `"type": "module"` is written in modules nevertheless: CommonJS would be cached by name.
  return /\.tsx?[?%]/.test(own)
    ? { ...resolved, url: own, format: 'module' }
    : { ...resolved, url: own }
}

/** The hook for a loader that runs in this thread (Node 22.15 and later), whose answers are not promises. */
export function createHook(loaded: (url: string) => void) {
  return function resolve<R extends Resolved>(
    specifier: string,
    context: ResolveContext,
    next: Next<R>,
  ): Resolved {
    const [name, parent] = asAuthor(specifier, context)
    const generation = generationOf(name, parent)
    const resolved = next(name, parent)
    return generation === undefined ? resolved : inGeneration(generation, resolved, loaded)
  }
}

let port: MessagePort | undefined

/** For a loader that runs in a thread of its own (Node 20): what was loaded is told through a port. */
export function initialize(data: { port: MessagePort }): void {
  port = data.port
}

export async function resolve(
  specifier: string,
  context: ResolveContext,
  next: Next<Promise<Resolved>>,
): Promise<Resolved> {
  const [name, parent] = asAuthor(specifier, context)
  const generation = generationOf(name, parent)
  const resolved = await next(name, parent)
  if (generation === undefined) return resolved
  return inGeneration(generation, resolved, (url) => port?.postMessage(url))
}

function generationOf(specifier: string, { parentURL = '' }: ResolveContext): string | undefined {
  return GENERATION.exec(specifier)?.[1] ?? GENERATION.exec(parentURL)?.[1]
}

function asAuthor(specifier: string, context: ResolveContext): [string, ResolveContext] {
  if (!specifier.startsWith(FROM_AUTHOR)) return [specifier, context]
  const [parentURL = '', name = ''] = specifier.slice(FROM_AUTHOR.length).split(' ')
  return [name, { ...context, parentURL }]
}
