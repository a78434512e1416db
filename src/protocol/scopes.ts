/** Scopes that a tool, a prompt or a resource needs of its callers. */
import type { Principal } from '../auth/auth.ts'
import { AuthError } from '../auth/auth.ts'
import type { Guarded } from '../handlers/access.ts'

interface WithPrincipal {
  readonly principal: Principal | undefined
}

/** Without authorization no caller lacks a scope. */
export function lacksScopes({ principal }: WithPrincipal, { options }: Guarded): boolean {
  return !!principal && !!options.scopes?.some((scope) => !principal.scopes.includes(scope))
}

/** A missing scope is refused before anything runs, so that the client can ask for it (D7). */
export function requireScopes(caller: WithPrincipal, item: Guarded): void {
  if (!lacksScopes(caller, item)) return
  throw new AuthError('The token lacks a scope that is needed here', {
    code: 'insufficient_scope',
    scopes: item.options.scopes ?? [],
  })
}
