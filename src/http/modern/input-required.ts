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
import type { JsonValue } from '../../state/store.ts'
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
  return new MultiRoundTrip(responses ?? {}, opened.state as unknown as RoundState)
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
