/** Whether a call has middleware. The code that runs it is loaded with the first call that has some. */
import { lazyImport } from '../lib/lazy-import.ts'
import type { Server } from '../server.ts'
import type { CallKind } from './middleware.ts'

export const middlewareRunner = lazyImport(() => import('./run-middleware.ts'))

export function hasMiddleware({ server }: { readonly server: Server }, kind: CallKind): boolean {
  return server.middleware.some((one) => !one.kind || one.kind === kind)
}
