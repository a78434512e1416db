/** Which era a POST belongs to. The body decides; headers are only compared with it (E.4). */
import { isObject } from '../lib/is-object.ts'
import type { McpError } from '../protocol/errors.ts'
import {
  clip,
  headerMismatch,
  invalidParams,
  invalidRequest,
  unsupportedVersion,
} from '../protocol/errors.ts'
import type {
  JsonRpcNotification,
  JsonRpcRequest,
  Message,
  Params,
  RequestId,
} from '../protocol/jsonrpc.ts'
import { parseMessage } from '../protocol/jsonrpc.ts'
import type { ModernRevision } from '../protocol/revisions.ts'
import { claimsModern, isModernRevision } from '../protocol/revisions.ts'
import type { ClientCapabilities } from '../protocol/types.ts'
import { META } from './meta.ts'

/** What a request of 2026 says about itself in `_meta` (A.1). */
export interface Envelope {
  readonly revision: ModernRevision
  readonly capabilities: ClientCapabilities
  readonly meta: Params
}

export type Classified =
  | { kind: 'modern'; request: JsonRpcRequest; envelope: Envelope }
  | { kind: 'modern-notification'; notification: JsonRpcNotification }
  | { kind: 'legacy'; messages: Exclude<Message, { kind: 'invalid' }>[]; batch: boolean }
  /** Answered with 400. */
  | { kind: 'refused'; id: RequestId | null; error: McpError }

export function classify(body: unknown, versionHeader: string | null): Classified {
  if (Array.isArray(body)) return classifyBatch(body)
  const parsed = parseMessage(body)
  switch (parsed.kind) {
    case 'invalid':
      return refuse(parsed.id, invalidRequest('not a JSON-RPC 2.0 message'))
    case 'response':
      return { kind: 'legacy', messages: [parsed], batch: false }
    case 'request':
      return classifyRequest(parsed, versionHeader)
    case 'notification':
      return classifyNotification(parsed, versionHeader)
  }
}

/** Messages of one batch at most, because they run at the same time and each may be a tool call. */
const LONGEST_BATCH = 100

/** Only 2025-03-26 has batches. Whether the session has that revision is checked later, in legacy/post.ts. */
function classifyBatch(body: unknown[]): Classified {
  if (body.length === 0) return refuse(null, invalidRequest('the batch is empty'))
  if (body.length > LONGEST_BATCH) {
    return refuse(null, invalidRequest(`a batch has ${LONGEST_BATCH} messages at most`))
  }
  const messages: Exclude<Message, { kind: 'invalid' }>[] = []
  for (const element of body) {
    const parsed = parseMessage(element)
    if (parsed.kind === 'invalid') {
      return refuse(null, invalidRequest('an element of the batch is not a JSON-RPC 2.0 message'))
    }
    if (parsed.kind !== 'response' && claimOf(parsed.message.params) !== undefined) {
      return refuse(null, invalidRequest('a batch cannot carry requests of 2026-07-28'))
    }
    messages.push(parsed)
  }
  return { kind: 'legacy', messages, batch: true }
}

function classifyRequest(
  parsed: Extract<Message, { kind: 'request' }>,
  header: string | null,
): Classified {
  const { message: request } = parsed
  const { id, method, params } = request
  const claim = claimOf(params)
  const modernHeader = header !== null && claimsModern(header)

  if (method === 'initialize' && !isWholeModernEnvelope(params)) {
    return modernHeader
      ? refuse(id, headerMismatch(`MCP-Protocol-Version '${clip(header)}' has no initialize`))
      : { kind: 'legacy', messages: [parsed], batch: false }
  }
  if (claim === undefined && !modernHeader) {
    return { kind: 'legacy', messages: [parsed], batch: false }
  }
  const envelope = readEnvelope(params, header)
  return 'error' in envelope
    ? refuse(id, envelope.error)
    : { kind: 'modern', request, envelope: envelope.envelope }
}

function classifyNotification(
  parsed: Extract<Message, { kind: 'notification' }>,
  header: string | null,
): Classified {
  const { params } = parsed.message
  const claim = claimOf(params)
  if (claim === undefined) {
    return header !== null && claimsModern(header)
      ? { kind: 'modern-notification', notification: parsed.message }
      : { kind: 'legacy', messages: [parsed], batch: false }
  }
  const envelope = readEnvelope(params, header)
  return 'error' in envelope
    ? refuse(null, envelope.error)
    : { kind: 'modern-notification', notification: parsed.message }
}

/** Checked in this order (H11): incomplete is -32602, different from the header is -32020, unknown is -32022. */
function readEnvelope(
  params: Params | undefined,
  header: string | null,
): { envelope: Envelope } | { error: McpError } {
  const meta = metaOf(params) ?? {}
  const claim = meta[META.version]
  if (typeof claim !== 'string') return { error: missing(META.version, 'a string') }
  const capabilities = meta[META.capabilities]
  if (!isObject(capabilities)) return { error: missing(META.capabilities, 'an object') }
  if (header === null) {
    return { error: headerMismatch('the MCP-Protocol-Version header is missing') }
  }
  if (claim !== header) {
    return {
      error: headerMismatch(
        `MCP-Protocol-Version header '${clip(header)}' does not match body value '${clip(claim)}'`,
      ),
    }
  }
  if (!isModernRevision(claim)) return { error: unsupportedVersion(claim) }
  return { envelope: { revision: claim, capabilities, meta } }
}

const missing = (key: string, type: string) =>
  invalidParams(`params._meta["${key}"] must be ${type}`)

function metaOf(params: Params | undefined): Params | undefined {
  return isObject(params?._meta) ? params._meta : undefined
}

/** A request claims to be of 2026 when its `_meta` has the version key, with any value. */
function claimOf(params: Params | undefined): unknown {
  return metaOf(params)?.[META.version]
}

function isWholeModernEnvelope(params: Params | undefined): boolean {
  const claim = claimOf(params)
  return (
    typeof claim === 'string' &&
    claimsModern(claim) &&
    isObject(metaOf(params)?.[META.capabilities])
  )
}

function refuse(id: RequestId | null, error: McpError): Classified {
  return { kind: 'refused', id, error }
}
