/** The error of this program: a sentence, the next step for the user, and an exit code for scripts. */

/** The exit codes of every command. They are part of the interface, and `--help` lists them. */
export const exitCodes = {
  ok: 0,
  /** The server answered with an error, or `doctor` found an error. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** A login is needed, was refused, or grants too little. */
  unauthorized: 3,
  /** No MCP server answered at that address. */
  unreachable: 4,
  /** Ctrl+C. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** An error for a person. The message is one sentence; `next` says what to do about it. */
export class Problem extends Error {
  override name = 'Problem'
  readonly exit: ExitCode
  readonly next: string | undefined

  constructor(
    message: string,
    options: { exit?: ExitCode; next?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.exit = options.exit ?? exitCodes.failed
    this.next = options.next
  }
}

/** The parameters of `WWW-Authenticate` in a 401 or 403 (RFC 6750, RFC 9728 section 5.1). */
export interface Challenge {
  readonly resourceMetadataUrl?: URL
  readonly scope?: string
}

/** The server wants a login, because it accepted neither a stored token nor a renewed one. */
export class LoginRequired extends Problem {
  override name = 'LoginRequired'
  readonly challenge: Challenge
  /** The server does not use OAuth. It wants a token from its operator. */
  readonly wantsStaticToken: boolean

  constructor(message: string, challenge: Challenge, next?: string, wantsStaticToken = false) {
    super(message, { exit: exitCodes.unauthorized, next })
    this.challenge = challenge
    this.wantsStaticToken = wantsStaticToken
  }
}

/** The token is valid, but this operation needs more scopes (RFC 6750 section 3.1). */
export class ScopeRequired extends Problem {
  override name = 'ScopeRequired'
  readonly challenge: Challenge

  constructor(challenge: Challenge) {
    super(
      challenge.scope === undefined
        ? 'The server says that the login does not cover this operation.'
        : `This operation needs the scopes "${challenge.scope}", which the login does not cover.`,
      { exit: exitCodes.unauthorized, next: 'Run `auth login` and grant them.' },
    )
    this.challenge = challenge
  }
}

/** Yields an error and its causes, because the client library wraps errors of `fetch`. */
export function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  let current = error
  while (current !== undefined && current !== null && !chain.includes(current)) {
    chain.push(current)
    current = (current as { cause?: unknown }).cause
  }
  return chain
}

/** Finds the first error of a class among an error and its causes. */
export function findCause<T extends Error>(
  error: unknown,
  kind: abstract new (...args: never[]) => T,
): T | undefined {
  return causes(error).find((cause): cause is T => cause instanceof kind)
}
