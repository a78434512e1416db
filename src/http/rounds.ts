/** Multi-round-trip requests on the wire: answers and sealed state in, questions and sealed state out (A.5). */
import type { RoundState } from '../asking/rounds.ts'
import { Rounds } from '../asking/rounds.ts'
import type { Awaitable } from '../awaitable.ts'
import { sha256 } from '../digest.ts'
import { invalidParams } from '../protocol/errors.ts'
import type { Params } from '../protocol/jsonrpc.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { serverMeta } from '../protocol/results.ts'
import type { Server } from '../server.ts'
import type { Json } from '../state/store.ts'
import type { Incoming } from './incoming.ts'
import { ownerOf } from './incoming.ts'
import type { ModernCall } from './modern-call.ts'

/** Answers of this round, and what earlier rounds left in the state: the client's word, so all of it is checked (C30). */
export function openRounds(
  server: Server,
  incoming: Incoming,
  method: string,
  params: Params,
): Awaitable<Rounds | undefined> {
  const { inputResponses, requestState } = params
  const responses = isObject(inputResponses) ? inputResponses : undefined
  if (requestState === undefined) return responses && new Rounds(responses)
  if (typeof requestState !== 'string') throw badState()
  return openState(server, incoming, method, params, requestState).then(
    (state) => new Rounds(responses ?? {}, state),
  )
}

async function openState(
  server: Server,
  incoming: Incoming,
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
export async function askBack(
  { server, incoming, message, params, handle }: ModernCall,
  rounds: Rounds,
): Promise<string> {
  const seal = await server.seal()
  const requestState = await seal.seal({
    state: (await rounds.state(handle)) as unknown as Json,
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
