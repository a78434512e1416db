/** The entries of a call's mailbox, and the ids of the questions in it. */
import type { RequestId } from '../protocol/jsonrpc.ts'
import { randomId } from './sessions.ts'
import type { JsonValue, Store, StoreKey, TypedStore } from './store.ts'

/**
 * An entry of a mailbox: a question was asked (`q`), a question was answered (`a`), or another instance
 * has ended the call, which closes the questions before it (`x`).
 */
export type Item = { readonly q: string } | { readonly x: true } | Answer
export interface Answer {
  readonly a: string
  readonly response: JsonValue
}

/** A call is found by its JSON-RPC id and the type of it: `1` and `"1"` are two ids. */
export function mailboxKey(partition: string, request: RequestId): StoreKey {
  return [partition, `inbox/${JSON.stringify(request)}`]
}

/**
 * The id of a question names its call, so that the answer finds the mailbox, and the last entry before
 * the question, so that nothing older has to be read.
 */
export function questionId(request: RequestId, after: number): string {
  return `${randomId()}.${after}:${JSON.stringify(request)}`
}

export function parseQuestionId(id: unknown): { request: RequestId; after: number } | undefined {
  if (typeof id !== 'string') return undefined
  const [, after, request = ''] = /^[\w-]{24}\.(\d{1,15}):(.*)$/s.exec(id) ?? []
  try {
    return { request: JSON.parse(request) as RequestId, after: Number(after) }
  } catch {
    return undefined
  }
}

/** The responses to questions of a call that does not run, by the id of the question: one read. */
export async function readResponses(
  store: Store,
  partition: string,
  request: RequestId,
  questions: readonly string[],
): Promise<Map<string, JsonValue>> {
  const after = Math.min(...questions.map((id) => parseQuestionId(id)?.after ?? 0))
  const entries = await (store as TypedStore).read<Item>(mailboxKey(partition, request), after)
  const responses = new Map<string, JsonValue>()
  for (const { value: item } of entries) {
    if ('a' in item && questions.includes(item.a)) responses.set(item.a, item.response)
  }
  return responses
}
