/**
 * 2025 requests with a session id that this server has not issued, or without one (the option `sessions`).
 * An adopted id is an alias: a record that says which session it means now.
 */
import { sha256 } from '../../lib/digest.ts'
import { isLegacyRevision } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import { randomId } from '../../state/sessions.ts'
import type { StoreKey, TypedStore } from '../../state/store.ts'
import { StoreConflict } from '../../state/store.ts'
import type { IncomingRequest } from '../incoming-request.ts'

type Create = (createdAt: number) => LegacySession

/** Opens a session for `initialize`. Returns the id for Mcp-Session-Id; undefined where there are no sessions. */
export async function openSession(
  server: Server,
  { owner, request }: IncomingRequest,
  create: Create,
): Promise<string | undefined> {
  if (server.sessionIds === 'none') return undefined
  const given = request.headers.get('mcp-session-id')
  const session = await server.sessions.open(owner, create)
  if (given === null) return session.id
  const store: TypedStore = server.store as TypedStore
  const alias = await aliasKey(owner, given)
  // A client may begin anew under the id that its platform keeps for it.
  const before = await store.get<string>(alias)
  await store.put(alias, session.id, { expiresAt: server.sessions.endOf(session.data) })
  if (before) await server.sessions.delete(owner, before.value)
  return given
}

/**
 * Finds the session of a request. The first request with an unknown id begins a session: its client's
 * capabilities are unknown, so that it is never asked. Without an id the request stands for itself, and
 * nothing of it is stored.
 */
export async function findSession(
  server: Server,
  { owner, request, version, record }: IncomingRequest,
): Promise<Session<LegacySession>> {
  // Without the header the revision is the one that had no such header (B43).
  const revision = version !== null && isLegacyRevision(version) ? version : '2025-03-26'
  const create: Create = (createdAt) => ({ revision, client: {}, capabilities: {}, createdAt })
  const given = server.sessionIds === 'none' ? null : request.headers.get('mcp-session-id')
  if (given === null) return transientSession(server, owner, create)
  record.session = given
  return (await server.sessions.find(owner, given)) ?? adopt(server, owner, given, create)
}

/** Ends a session, and forgets its alias. Returns the id of the session, or undefined if there is none. */
export async function endSession(
  { sessions, store }: Server,
  owner: string,
  given: string,
): Promise<string | undefined> {
  if (await sessions.delete(owner, given)) return given
  const alias = await aliasKey(owner, given)
  const found = await (store as TypedStore).get<string>(alias)
  if (!found) return undefined
  await store.delete(alias)
  return (await sessions.delete(owner, found.value)) ? found.value : undefined
}

/** Costs two reads; for a new id, two writes more. Of requests that come at once, one opens the session. */
async function adopt(
  { sessions, store }: Server,
  owner: string,
  given: string,
  create: Create,
): Promise<Session<LegacySession>> {
  const alias = await aliasKey(owner, given)
  for (;;) {
    const known = await (store as TypedStore).get<string>(alias)
    const found = known && (await sessions.find(owner, known.value))
    if (found) return found
    const session = await sessions.open(owner, create)
    const options = { expiresAt: sessions.endOf(session.data), ifVersion: known?.version ?? 0 }
    try {
      await store.put(alias, session.id, options)
      return session
    } catch (error) {
      await sessions.delete(owner, session.id)
      if (!(error instanceof StoreConflict)) throw error
    }
  }
}

/** The owner is part of the key, so that two principals with the same id have two sessions. */
async function aliasKey(owner: string, given: string): Promise<StoreKey> {
  const digest = await sha256(given)
  const name = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [`alias/${owner}/${name}`, 'session']
}

function transientSession(
  { sessions, clock }: Server,
  owner: string,
  create: Create,
): Session<LegacySession> {
  const id = randomId()
  const data = create(clock())
  const partition = `session/${owner}/${id}`
  return { id, partition, data, version: 0, expiresAt: sessions.endOf(data), transient: true }
}
