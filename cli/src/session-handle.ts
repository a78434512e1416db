/** Keeps the session handle of a 2026 server, and sends it with the next call. */

import type { CallToolResult, Tool } from '@modelcontextprotocol/client'

/** The member of `_meta` in which a server built with this library returns the handle. */
const META_KEY = 'streamable-mcp/session'

/** The argument of tools that use a session. */
const ARGUMENT = 'session'

export class SessionHandle {
  #value: string | undefined

  get value(): string | undefined {
    return this.#value
  }

  forget(): void {
    this.#value = undefined
  }

  /** Adds the handle to the arguments, if the tool takes one and the user gave none. */
  addTo(given: Record<string, unknown>, tool: Tool | undefined): Record<string, unknown> {
    const takesHandle = Object.hasOwn(tool?.inputSchema.properties ?? {}, ARGUMENT)
    if (!takesHandle || Object.hasOwn(given, ARGUMENT) || this.#value === undefined) return given
    return { ...given, [ARGUMENT]: this.#value }
  }

  /** Keeps the handle of a result. Returns whether it is new. */
  keep({ _meta }: CallToolResult): boolean {
    const handle = _meta?.[META_KEY]
    if (typeof handle !== 'string' || handle === this.#value) return false
    this.#value = handle
    return true
  }
}
