/** Loads the author's TypeScript as it is, each time anew. */

import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { createHook, fromAuthor } from './reload-hook.ts'

export interface ModuleLoader {
  /** Runs the file and what it imports of the author's files anew. Packages are loaded once. */
  load(): Promise<Readonly<Record<string, unknown>>>
  /** Imports a package as the file would. */
  importPackage(name: string): Promise<Readonly<Record<string, unknown>>>
  /** The files of the author that were loaded so far, with the file itself. */
  readonly files: ReadonlySet<string>
}

/** `registerHooks` exists since Node 22.15. The types are those of Node 20. */
interface Hooks {
  registerHooks?(hooks: { resolve: ReturnType<typeof createHook> }): unknown
}

/** Prepares this process. `added` is called when a further file is loaded, so that it can be watched. */
export async function createModuleLoader(
  file: URL,
  added: (path: string) => void,
): Promise<ModuleLoader> {
  const files = new Set<string>()
  const note = (url: string): void => {
    const path = fileURLToPath(url.replace(/(?:\?|%3F).*/s, ''))
    if (files.has(path)) return
    files.add(path)
    added(path)
  }
  note(file.href)
  // No other command needs tsx.
  const { register } = await import('tsx/esm/api')
  register()
  const { registerHooks } = nodeModule as Hooks
  if (registerHooks) registerHooks({ resolve: createHook(note) })
  else registerInThread(note)
  let generation = 0
  return {
    files,
    load: () => import(`${file.href}?dev=${++generation}`),
    importPackage: (name) => import(fromAuthor(file, name)),
  }
}

function registerInThread(note: (url: string) => void): void {
  const { port1, port2 } = new MessageChannel()
  port1.on('message', note)
  port1.unref()
  // In a clone the hook is TypeScript, too.
  const name = import.meta.url.endsWith('.ts') ? './reload-hook.ts' : './reload-hook.js'
  const options = { data: { port: port2 }, transferList: [port2] }
  nodeModule.register(name, import.meta.url, options)
}
