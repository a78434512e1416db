/** Who sees a tool, a prompt or a resource, and may use it. */
import type { Principal } from '../auth/auth.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Era, Revision } from '../protocol/revisions.ts'
import type { ClientCapabilities } from '../protocol/types.ts'

/** The caller of a request, as `visible` sees it. */
export interface Caller {
  /** Subject, scopes and claims of the caller; undefined without authorization. */
  readonly principal: Principal | undefined
  readonly era: Era
  readonly revision: Revision
  /** Name and version as the client tells them: not to be relied on. */
  readonly client: { readonly name?: unknown; readonly version?: unknown }
  readonly capabilities: ClientCapabilities
}

/** Options that tools, prompts and resources share: for whom they exist. */
export interface Access {
  /**
   * OAuth scopes that a caller needs. For a caller without them it does not exist: no list has it, and its
   * name is unknown. A server without `auth` knows no callers and asks for none.
   */
  scopes?: string[]
  /**
   * Lists it for callers without its scopes, too, and answers their calls with 403 `insufficient_scope`,
   * so that the client can ask its user for more (D7). @default false
   */
  stepUp?: boolean
  /**
   * Whether it exists for a caller. It is asked at each list and at each use, so it has to be quick; within
   * one list a function that several tools share is asked once. An exception counts as no, and is logged.
   *
   * @example visible: ({ principal }) => principal?.claims.plan === 'pro'
   */
  visible?(caller: Caller): MaybePromise<boolean>
}

/** A tool, a prompt or a resource, as far as it matters for whom it exists. */
export interface Guarded {
  readonly options: Access
}
