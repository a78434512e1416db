/** Tools with `idempotent`: calls of one caller with the same key run the handler once, on all instances together. */
import { sha256 } from '../lib/digest.ts'
import { isObject } from '../lib/is-object.ts'
import type { CallToolResult } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import { ChangeWaiter } from '../state/polling.ts'
import { randomId } from '../state/sessions.ts'
import type { StoredRecord, StoreKey, TypedStore } from '../state/store.ts'
import { StoreConflict, ValueTooLarge } from '../state/store.ts'
import { toToolResult } from './content.ts'
import type { Context } from './context.ts'
import { HandlerFailure } from './failure.ts'
import { logInternal } from './internal-error.ts'
import type { Tool } from './tool.ts'

/** What is kept under a key: the call that runs, or its result, which is absent where the store cannot hold it. */
interface Kept {
  /** A digest of the arguments: a key stands for one operation. */
  readonly print: string
  /** The run that has the key. It writes the record again to show that it lives. */
  readonly run?: string
  readonly result?: CallToolResult
}

/** The parts of a call that are used here. */
export interface IdempotentCall {
  readonly server: Server
  readonly owner: string
}

const DAY = 86_400_000

/** Tries to write a result, because a result that is not kept lets the effect happen again. */
const MOST_TRIES = 5

/** Returns what the handler returns, or what it has returned to an earlier call with the same key. */
export async function runOnce(
  { server, owner }: IdempotentCall,
  tool: Tool,
  args: object,
  ctx: Context,
): Promise<unknown> {
  const key = tool.options.idempotent?.(args, ctx)
  if (key === undefined) return tool.handler(args as Record<string, unknown>, ctx as never)
  if (typeof key !== 'string' || key === '') {
    throw new TypeError(`idempotent of tool "${tool.name}" must return a text or undefined`)
  }
  const name = `${tool.name}/${await digest(key)}`
  const record = new Operation(server, [`idempotent/${owner}`, name], tool, {
    print: await digest(JSON.stringify(args)),
  })
  const kept = await record.claim(ctx)
  if (kept) return kept
  return record.run(async () =>
    toToolResult(
      await tool.handler(args as Record<string, unknown>, ctx as never),
      tool.output !== undefined,
    ),
  )
}

async function digest(text: string): Promise<string> {
  return btoa(String.fromCharCode(...(await sha256(text))))
}

/** One operation that a key stands for. */
class Operation {
  readonly #server: Server
  readonly #store: TypedStore
  readonly #key: StoreKey
  readonly #kept: Kept
  readonly #lifetime: number
  #version = 0

  constructor(server: Server, key: StoreKey, { options }: Tool, kept: Pick<Kept, 'print'>) {
    this.#server = server
    this.#store = server.store as TypedStore
    this.#key = key
    this.#kept = { ...kept, run: randomId() }
    this.#lifetime = options.idempotentFor ?? DAY
  }

  /** The result of an earlier call. Undefined when this call has to run; then it has claimed the key. */
  async claim(ctx: Context): Promise<CallToolResult | undefined> {
    const waiter = new ChangeWaiter(this.#server.store)
    const { lease } = this.#server.eventLog
    let silent = 0
    let seen = 0
    for (;;) {
      if (await this.#write(this.#kept)) return undefined
      const found = await this.#store.get<Kept>(this.#key)
      if (found?.value.run === this.#kept.run) {
        this.#version = found?.version ?? 0 // The reply to the write was lost.
        return undefined
      }
      if (found && !found.value.run) return this.#resultOf(found)
      if (found) this.#requireSame(found)
      if (found?.version !== seen) silent = 0
      seen = found?.version ?? 0
      // A run that has shown no life for the time of a lease is taken over.
      this.#version = found && silent < lease ? 0 : seen
      if (!found || silent >= lease) continue
      const { signal } = ctx
      signal.throwIfAborted()
      const startedAt = performance.now()
      await waiter.wait([{ key: this.#key, after: seen }], signal, lease / 3)
      silent += Math.min(performance.now() - startedAt, lease / 3)
    }
  }

  /** Runs the handler, and keeps its result. A failure is not kept: the next call with the key runs. */
  async run(handler: () => Promise<CallToolResult>): Promise<CallToolResult> {
    let writing: Promise<unknown> = Promise.resolve()
    const renewal = setInterval(() => {
      writing = this.#write(this.#kept).catch(() => {})
    }, this.#server.eventLog.lease / 3)
    const stop = async () => {
      clearInterval(renewal)
      await writing
    }
    try {
      const result = await handler()
      await stop()
      if (result.isError) await this.#release()
      else await this.#keep(result)
      return result
    } catch (error) {
      await stop()
      await this.#release()
      throw error
    }
  }

  #requireSame({ value }: StoredRecord<Kept>): void {
    if (value.print === this.#kept.print) return
    throw new HandlerFailure('Another call with other arguments has the same idempotency key')
  }

  #resultOf(found: StoredRecord<Kept>): CallToolResult {
    this.#requireSame(found)
    const { result } = found.value
    if (isObject(result)) return result as unknown as CallToolResult
    throw new HandlerFailure(
      'An earlier call has done this, but its result was too large to be kept',
    )
  }

  async #keep(result: CallToolResult): Promise<void> {
    const { print } = this.#kept
    for (let n = 1; ; n++) {
      try {
        await this.#write({ print, result })
        return
      } catch (error) {
        if (error instanceof ValueTooLarge) await this.#write({ print })
        if (error instanceof ValueTooLarge) return
        if (n === MOST_TRIES) {
          logInternal(this.#server, 'a result under an idempotency key was not kept', error)
          return
        }
      }
      await new Promise((resolve) => setTimeout(resolve, n * 50))
    }
  }

  /** Lets the next call with the key run at once. Where the store is away, that call waits for a lease. */
  async #release(): Promise<void> {
    try {
      const found = await this.#store.get<Kept>(this.#key)
      if (found?.value.run === this.#kept.run) await this.#store.delete(this.#key)
    } catch {
      // The run shows no more life, so the key is free after a lease.
    }
  }

  /** Writes over the version that this call knows. Returns false when another call was first. */
  async #write(kept: Kept): Promise<boolean> {
    const expiresAt = this.#server.clock() + this.#lifetime
    try {
      const options = { expiresAt, ifVersion: this.#version }
      this.#version = await this.#store.put(this.#key, kept, options)
      return true
    } catch (error) {
      if (error instanceof StoreConflict) return false
      throw error
    }
  }
}
