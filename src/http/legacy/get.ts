/** GET of the 2025 revisions: resuming a call's stream, or listening to the server. */
import { lazyImport } from '../../lib/lazy-import.ts'
import { invalidRequest } from '../../protocol/errors.ts'
import type { Server } from '../../server.ts'
import { parseEventId } from '../../state/event-log/event-log.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { errorResponse, methodNotAllowed } from '../responses.ts'
import * as status from '../status.ts'
import { CHANGES, requireSession } from './session.ts'

// Most streams are never resumed, and on Lambda no client listens.
const resuming = lazyImport(() => import('./resume.ts'))
const listening = lazyImport(() => import('./listen.ts'))

export async function handleGet(server: Server, incoming: IncomingRequest): Promise<Response> {
  const lastEventId = incoming.request.headers.get('last-event-id')
  const resumes = lastEventId !== null && parseEventId(lastEventId)?.stream !== CHANGES
  if (server.sessionIds === 'none' || (!resumes && !server.listening)) {
    return methodNotAllowed(server)
  }
  if (!incoming.accepts.stream) {
    return errorResponse(
      status.NOT_ACCEPTABLE,
      null,
      invalidRequest('Accept must allow text/event-stream'),
    )
  }
  const found = await requireSession(server, incoming, null)
  if (found instanceof Response) return found
  if (resumes) return (await resuming()).resume(server, incoming, found, lastEventId)
  return (await listening()).listenTo(server, incoming, found, lastEventId)
}
