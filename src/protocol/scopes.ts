/** Scopes that a tool needs of its callers. */
import type { Principal } from '../auth/auth.ts'
import { AuthError } from '../auth/auth.ts'
import type { Tool } from '../handlers/tool.ts'

/** A missing scope is refused before anything runs, so that the client can ask for it (D7). */
export function requireScopes(
  call: { readonly principal: Principal | undefined },
  tool: Tool,
): void {
  const needed = tool.options.scopes
  if (!needed?.length || !call.principal) return
  const granted = call.principal.scopes
  if (needed.every((scope) => granted.includes(scope))) return
  throw new AuthError('The token lacks a scope that this tool needs', {
    code: 'insufficient_scope',
    scopes: needed,
  })
}
