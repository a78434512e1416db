/** Multi-round-trip requests on the wire: answers and sealed state in, questions and sealed state out (A.5). */
import type { RoundState } from '../../client-requests/multi-round-trip.ts'
import { MultiRoundTrip } from '../../client-requests/multi-round-trip.ts'
import { sha256 } from '../../lib/digest.ts'
import { isObject } from '../../lib/is-object.ts'
import type { MaybePromise } from '../../lib/maybe-promise.ts'
import { invalidParams } from '../../protocol/errors.ts'
import type { Params } from '../../protocol/jsonrpc.ts'
import { serverMeta } from '../../protocol/results.ts'
import type { Server } from '../../server.ts'
import type { JsonValue } from '../../state/store.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { ownerOf } from '../incoming-request.ts'
import type { ModernCall } from './modern-call.ts'

/** Answers of this round, and what earlier rounds left in the state: the client's word, so all of it is checked (C30). */
export function openRequestState(
  server: Server,
  incoming: IncomingRequest,
  method: string,
  params: Params,
): MaybePromise<MultiRoundTrip | undefined> {
  const { inputResponses, requestState } = params
  const responses = isObject(inputResponses) ? inputResponses : undefined
  if (requestState === undefined) return responses && new MultiRoundTrip(responses)
  if (typeof requestState !== 'string') throw badState()
  return openState(server, incoming, method, params, requestState).then(
    (state) => new MultiRoundTrip(responses ?? {}, state),
  )
}

async function openState(
  server: Server,
  incoming: IncomingRequest,
  method: string,
  params: Params,
  sealed: string,
): Promise<RoundState> {
  const seal = await server.seal()
  const opened = await seal.open(sealed)
  if (
    !isObject(opened) ||
    Number(opened.expiresAt) <= server.clock() ||
    opened.owner !== ownerOf(incoming) ||
    opened.digest !== (await digest(method, params))
  ) {
    throw badState()
  }
  return opened.state as unknown as RoundState
}

const badState = () => invalidParams('requestState is not valid for this request, or has expired')

/** The questions of this round instead of a result, and a sealed note of where the call stands. */
export async function inputRequiredResult(
  { server, incoming, message, params, handle }: ModernCall,
  rounds: MultiRoundTrip,
): Promise<string> {
  const seal = await server.seal()
  const requestState = await seal.seal({
    state: (await rounds.state(handle)) as unknown as JsonValue,
    expiresAt: server.clock() + server.limits.state,
    owner: ownerOf(incoming),
    digest: await digest(message.method, params),
  })
  return JSON.stringify({
    resultType: 'input_required',
    inputRequests: rounds.inputRequests(),
    requestState,
    _meta: serverMeta(server),
  })
}

/** What must not change from round to round: the method and its own parameters. */
async function digest(method: string, params: Params): Promise<string> {
  const { _meta, inputResponses, requestState, ...own } = params
  const text = `${method} ${JSON.stringify(own, (_, value) => (isObject(value) ? sorted(value) : value))}`
  return btoa(String.fromCharCode(...(await sha256(text))))
}

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}
