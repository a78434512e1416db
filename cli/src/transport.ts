/** The transport of the client library, with what it lacks: the ends of calls, and tasks. */

import type { JSONRPCMessage } from '@modelcontextprotocol/client'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { isObject } from './json.ts'

/** Marks the answer that {@link StreamAwareTransport} creates itself, so that it differs from a server's. */
export const BROKEN_STREAM = 'streamable-mcp: stream ended without an answer'

/**
 * Ends a call whose stream is lost and cannot be resumed, because the library reports this only to
 * subscriptions, and a call would wait for its timeout. It also keeps the notifications that the server
 * has not accepted yet, because the library sends a cancellation without waiting for it.
 */
export class StreamAwareTransport extends StreamableHTTPClientTransport {
  readonly #notifying = new Set<Promise<void>>()

  /** Resolves when the server has accepted or refused every notification. */
  async notified(): Promise<void> {
    await Promise.allSettled(this.#notifying)
  }

  /**
   * Makes the task that a call has become a plain result, which has the task in `_meta`. The library
   * refuses results of types that it does not know. To be called when the client is connected.
   */
  acceptTasks(): void {
    const deliver = this.onmessage
    this.onmessage = (message) => deliver?.(withTask(message))
  }

  override async send(
    message: JSONRPCMessage | JSONRPCMessage[],
    options?: Parameters<StreamableHTTPClientTransport['send']>[1],
  ): Promise<void> {
    if (Array.isArray(message) || !('method' in message) || !('id' in message)) {
      const sending = super.send(message, options)
      this.#notifying.add(sending)
      try {
        return await sending
      } finally {
        this.#notifying.delete(sending)
      }
    }
    const { id } = message
    return super.send(message, {
      ...options,
      onRequestStreamEnd: () => {
        options?.onRequestStreamEnd?.()
        // After a normal end this has no effect, because the call has its answer already.
        this.onmessage?.({ jsonrpc: '2.0', id, error: { code: -32000, message: BROKEN_STREAM } })
      },
    })
  }
}

/** The member of `_meta` in which {@link StreamAwareTransport} puts a task. */
export const TASK_META = 'streamable-mcp-cli/task'

function withTask<T extends JSONRPCMessage>(message: T): T {
  if (!('result' in message) || !isObject(message.result)) return message
  const { result } = message
  if (result.resultType !== 'task') return message
  const plain = { resultType: 'complete', content: [], _meta: { [TASK_META]: result } }
  return { ...message, result: plain }
}
