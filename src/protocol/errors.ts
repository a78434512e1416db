/** JSON-RPC errors, and every error code of the protocol. */
import type { RequestId } from './jsonrpc.ts'
import type { Era } from './revisions.ts'
import { MODERN_REVISIONS } from './revisions.ts'

/** The codes of JSON-RPC, and the three of 2026-07-28 (A.10). */
export const code = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
  /** Of this application, as the range of the protocol is not for others: HTTP's own number. */
  tooManyCalls: 429,
  /** 2025 only (B62). */
  legacyResourceNotFound: -32002,
} as const

/**
 * A JSON-RPC error. Its message and data are sent to the client as they are, so they must not contain
 * anything internal. A handler may throw one; the text of any other exception is only logged.
 *
 * @example throw new McpError(-32602, 'city must not be empty')
 */
export class McpError extends Error {
  override name = 'McpError'
  readonly code: number
  readonly data: unknown

  constructor(errorCode: number, message: string, data?: unknown) {
    super(message)
    this.code = errorCode
    this.data = data
  }
}

export const parseError = () => new McpError(code.parse, 'Parse error: the body is not valid JSON')
export const invalidRequest = (why: string) =>
  new McpError(code.invalidRequest, `Invalid request: ${why}`)
export const invalidParams = (why: string, data?: unknown) =>
  new McpError(code.invalidParams, why, data)
export const methodNotFound = (method: string) =>
  new McpError(code.methodNotFound, `Method not found: ${clip(method)}`)
export const headerMismatch = (why: string) =>
  new McpError(code.headerMismatch, `Header mismatch: ${why}`)

export const unsupportedVersion = (requested: string) =>
  new McpError(code.unsupportedVersion, 'Unsupported protocol version', {
    supported: MODERN_REVISIONS,
    requested: clip(requested),
  })

/**
 * The client did not declare a capability that this call needs (C18). The message names it, such as
 * `elicitation.url`, because most clients show only the message.
 */
export const missingCapability = (requiredCapabilities: object) =>
  new McpError(
    code.missingCapability,
    `Missing required client capability: ${capabilityNames(requiredCapabilities)}`,
    { requiredCapabilities },
  )

function capabilityNames(capabilities: object): string {
  return Object.entries(capabilities)
    .map(([name, parts]) => [name, ...Object.keys(parts)].join('.'))
    .join(', ')
}

/** 2025 has an error code for a missing resource; 2026 forbids that code (H9). */
export const resourceNotFound = (era: Era, uri: string) =>
  new McpError(
    era === 'legacy' ? code.legacyResourceNotFound : code.invalidParams,
    'Resource not found',
    { uri: clip(uri) },
  )

/** An error response as JSON text. Without a known request id it has no `id`, because the protocol forbids null (B3, B6). */
export function errorMessage(id: RequestId | null, error: McpError): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    ...(id !== null && { id }),
    error: { code: error.code, message: error.message, data: error.data },
  })
}

/** Shortens a text of the client for a message or the log. */
export function clip(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
