/** A call of 2025-11-25 whose run has ended because its client takes long to answer. */
import type { RunState } from '../../client-requests/recorded-run.ts'
import type { MessageStream } from '../../client-requests/stream-requester.ts'
import type { OpenRequest } from '../../client-requests/suspending-requester.ts'
import { SuspendingRequester } from '../../client-requests/suspending-requester.ts'
import type { JsonRpcRequest, Params, RequestId } from '../../protocol/jsonrpc.ts'
import type { Server } from '../../server.ts'
import { lastCancellation } from '../../state/cancellations.ts'
import type { Mailbox } from '../../state/mailbox.ts'
import type { LegacySession } from '../../state/sessions.ts'
import type { JsonValue } from '../../state/store.ts'

/** What a run leaves in the log of its stream: all that another instance needs to run the call again. */
export interface SuspendedCall {
  readonly request: JsonRpcRequest
  readonly run: RunState
  readonly open: readonly OpenRequest[]
  /** The number of the last cancellation that came before the call. */
  readonly cancellations: number
  /** The progress that the client was told last. */
  readonly progress: number | undefined
  /** Epoch milliseconds: when the run ended, and until when the client may answer. */
  readonly since: number
  readonly until: number
}

/** The parts of a call that its requester needs. */
export interface SuspendableCall {
  readonly server: Server
  readonly id: RequestId
  readonly method: string
  readonly params: Params
  readonly progressTold: number
  readonly cancellation: { readonly signal: AbortSignal }
  readonly stream: MessageStream & { suspend(left: JsonValue): Promise<boolean> }
}

export interface RequesterOptions {
  readonly call: SuspendableCall
  readonly mailbox: Mailbox
  readonly session: LegacySession
  readonly before: RunState | undefined
  /** Milliseconds of waiting after which the run ends. */
  readonly suspendAfter: number
}

export function createSuspendingRequester(options: RequesterOptions): SuspendingRequester {
  const { call, mailbox, session, before, suspendAfter } = options
  const { server, id, method, params, stream } = call
  const timeout = server.limits.answer
  return new SuspendingRequester({
    mailbox,
    stream,
    before,
    suspendAfter,
    timeout,
    signal: () => call.cancellation.signal,
    async suspend({ run, open }) {
      const now = server.clock()
      const left: SuspendedCall = {
        request: { jsonrpc: '2.0', id, method, params },
        run,
        open,
        cancellations: lastCancellation(session.cancellations),
        progress: Number.isFinite(call.progressTold) ? call.progressTold : undefined,
        since: now,
        until: now + Math.max(0, timeout - suspendAfter),
      }
      return stream.suspend(left as unknown as JsonValue)
    },
  })
}
