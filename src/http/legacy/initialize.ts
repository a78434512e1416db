/** `initialize`: the handshake of 2025, which opens a session. */
import { isObject } from '../../lib/is-object.ts'
import { lazyImport } from '../../lib/lazy-import.ts'
import { clip, invalidParams } from '../../protocol/errors.ts'
import type { JsonRpcRequest, Params } from '../../protocol/jsonrpc.ts'
import { resultMessage } from '../../protocol/jsonrpc.ts'
import type { LegacyRevision } from '../../protocol/revisions.ts'
import { has, isLegacyRevision, LATEST_LEGACY } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { sessionResponse } from '../replies.ts'
import { errorResponse } from '../responses.ts'
import * as status from '../status.ts'

const discovery = lazyImport(() => import('../../protocol/server-discover.ts'))
const unissued = lazyImport(() => import('./unissued-session.ts'))

/** Characters of a client's capabilities as JSON, at most: they are kept with every session. */
const LONGEST_CAPABILITIES = 8_192

/** One write, and the id that every later request of the session names (B33, B45, B46). */
export async function initialize(
  server: Server,
  incoming: IncomingRequest,
  { id, params = {} }: JsonRpcRequest,
): Promise<Response> {
  const { protocolVersion, capabilities: declared, clientInfo } = params
  const refuse = (why: string) => errorResponse(status.BAD_REQUEST, id, invalidParams(why))
  if (typeof protocolVersion !== 'string') return refuse('protocolVersion must be a string')
  if (!isObject(declared)) return refuse('capabilities must be an object')
  if (!isObject(clientInfo)) return refuse('clientInfo must be an object')
  if (JSON.stringify(declared).length > LONGEST_CAPABILITIES) {
    return refuse('capabilities are too long')
  }
  const revision = isLegacyRevision(protocolVersion) ? protocolVersion : LATEST_LEGACY
  incoming.record.revision = revision
  const client = pickClientInfo(clientInfo)
  const create = (createdAt: number) => ({ revision, client, capabilities: declared, createdAt })
  const sessionId =
    server.sessionIds === 'issued'
      ? (await server.sessions.open(incoming.owner, create)).id
      : await (await unissued()).openSession(server, incoming, create)
  if (sessionId !== undefined) incoming.record.session = sessionId
  const { capabilities } = await discovery()
  const result = server.registry.cachedJson(`initialize ${revision}`, () =>
    JSON.stringify({
      protocolVersion: revision,
      capabilities: capabilities(server, revision),
      serverInfo: serverInfo(server, revision),
      instructions: server.instructions,
    }),
  )
  return sessionResponse(resultMessage(id, result), incoming.accepts, sessionId)
}

/** clientInfo.name and .version, truncated. */
function pickClientInfo({ name, version }: Params): Params {
  const client: { name?: string; version?: string } = {}
  if (typeof name === 'string') client.name = clip(name)
  if (typeof version === 'string') client.version = clip(version)
  return client
}

/** The server's name and version, with those other members that the revision defines (B64). */
function serverInfo({ info }: Server, revision: LegacyRevision): object {
  const { name, version, title, ...more } = info
  return {
    name,
    version,
    ...(has.titles(revision) && { title }),
    ...(has.icons(revision) && more),
  }
}
