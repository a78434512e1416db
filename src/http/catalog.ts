/** The catalogs of the requests of one POST, in each era. Loaded where catalogs differ by caller. */
import type { Caller } from '../handlers/access.ts'
import type { Catalog } from '../handlers/registry.ts'
import { isObject } from '../lib/is-object.ts'
import { catalogFor } from '../protocol/catalog.ts'
import type { JsonRpcRequest } from '../protocol/jsonrpc.ts'
import type { Server } from '../server.ts'
import type { LegacySession, Session } from '../state/sessions.ts'
import type { Envelope } from './classify.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { META } from './meta.ts'

export function modernCaller({ principal }: IncomingRequest, envelope: Envelope): Caller {
  const { capabilities, meta, revision } = envelope
  const client = meta[META.client]
  return {
    principal,
    era: 'modern',
    revision,
    client: isObject(client) ? client : {},
    capabilities,
  }
}

export function legacyCaller(
  { principal }: IncomingRequest,
  { data: { revision, client, capabilities } }: Session<LegacySession>,
): Caller {
  return { principal, era: 'legacy', revision, client, capabilities }
}

export async function modernCatalog(
  server: Server,
  incoming: IncomingRequest,
  request: JsonRpcRequest,
  envelope: Envelope,
): Promise<Catalog> {
  return catalogFor(server, modernCaller(incoming, envelope), request)
}

/** Returns the catalog of each request of a batch. */
export async function legacyCatalogs(
  server: Server,
  incoming: IncomingRequest,
  session: Session<LegacySession>,
  requests: readonly JsonRpcRequest[],
): Promise<(request: JsonRpcRequest) => Catalog> {
  const caller = legacyCaller(incoming, session)
  const catalogs = new Map<JsonRpcRequest, Catalog>()
  for (const request of requests) catalogs.set(request, await catalogFor(server, caller, request))
  return (request) => {
    const catalog = catalogs.get(request)
    if (!catalog) throw new TypeError('A request without a catalog')
    return catalog
  }
}
