/** Multi-round-trip requests in messages: reads `inputResponses` and `requestState`, writes an `input_required` result (A.5). */
import type { RoundState } from '../../client-requests/multi-round-trip.ts'
import { MultiRoundTrip } from '../../client-requests/multi-round-trip.ts'
import { sha256 } from '../../lib/digest.ts'
import { isObject } from '../../lib/is-object.ts'
import type { ModernMethodCall } from '../../protocol/call.ts'
import { invalidParams } from '../../protocol/errors.ts'
import type { JsonRpcRequest, Params } from '../../protocol/jsonrpc.ts'
import { writeResult } from '../../protocol/results.ts'
import type { Server } from '../../server.ts'
import { randomId } from '../../state/sessions.ts'
import type { JsonValue } from '../../state/store.ts'
import { StoreConflict } from '../../state/store.ts'
import type { IncomingRequest } from '../incoming-request.ts'

/** The responses of this round and the state of earlier rounds. Both come from the client, so both are checked (C30). */
export async function openRequestState(
  server: Server,
  { owner }: IncomingRequest,
  { method, params = {} }: Pick<JsonRpcRequest, 'method' | 'params'>,
): Promise<MultiRoundTrip | undefined> {
  const { inputResponses, requestState } = params
  const responses = isObject(inputResponses) ? inputResponses : undefined
  if (requestState === undefined) return responses && new MultiRoundTrip(responses)
  if (typeof requestState !== 'string') throw badState()
  const seal = await server.seal()
  const opened = await seal.open(requestState)
  if (
    !isObject(opened) ||
    Number(opened.expiresAt) <= server.clock() ||
    opened.owner !== owner ||
    opened.digest !== (await digest(method, params))
  ) {
    throw badState()
  }
  await useOnce(server, owner, `${opened.id}`)
  return new MultiRoundTrip(responses ?? {}, opened.state as unknown as RoundState)
}

/** Each state is accepted once, so that a round that is sent again does not repeat its effects (C30). */
async function useOnce({ store, clock, limits }: Server, owner: string, id: string): Promise<void> {
  try {
    const options = { expiresAt: clock() + limits.state, ifVersion: 0 }
    await store.put([`round/${owner}/${id}`, 'used'], true, options)
  } catch (error) {
    if (error instanceof StoreConflict) throw invalidParams('requestState was used before')
    throw error
  }
}

const badState = () => invalidParams('requestState is not valid for this request, or has expired')

/** The requests of this round to the client, and the sealed state of the call. */
export async function inputRequiredResult(
  call: ModernMethodCall,
  owner: string,
  rounds: MultiRoundTrip,
): Promise<string> {
  const { server, method, params, handle } = call
  const seal = await server.seal()
  const requestState = await seal.seal({
    id: randomId(),
    state: (await rounds.state(handle)) as unknown as JsonValue,
    expiresAt: server.clock() + server.limits.state,
    owner,
    digest: await digest(method, params),
  })
  return writeResult(call, {
    resultType: 'input_required',
    inputRequests: rounds.inputRequests(),
    requestState,
  })
}

/** A digest of what must not change from round to round: the method and its own parameters. */
async function digest(method: string, params: Params): Promise<string> {
  const { _meta, inputResponses, requestState, ...own } = params
  const text = `${method} ${JSON.stringify(own, (_, value) => (isObject(value) ? sorted(value) : value))}`
  return btoa(String.fromCharCode(...(await sha256(text))))
}

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}
