/** Carries the session of a 2026 server along: what the server hands out is what the next call sends. */

import type { CallToolResult, Tool } from '@modelcontextprotocol/client'

/** Where a server that is built with this library puts the handle of a result. */
const META_KEY = 'streamable-mcp/session'

/** The argument of tools that go on with a session. */
const ARGUMENT = 'session'

export class SessionHandle {
  #value: string | undefined

  get value(): string | undefined {
    return this.#value
  }

  forget(): void {
    this.#value = undefined
  }

  /** The arguments with the handle, where the tool takes one and the user gave none. */
  addTo(given: Record<string, unknown>, tool: Tool | undefined): Record<string, unknown> {
    const takesHandle = Object.hasOwn(tool?.inputSchema.properties ?? {}, ARGUMENT)
    if (!takesHandle || Object.hasOwn(given, ARGUMENT) || this.#value === undefined) return given
    return { ...given, [ARGUMENT]: this.#value }
  }

  /** Keeps the handle of a result. Returns whether it is a new one. */
  keep({ _meta }: CallToolResult): boolean {
    const handle = _meta?.[META_KEY]
    if (typeof handle !== 'string' || handle === this.#value) return false
    this.#value = handle
    return true
  }
}
