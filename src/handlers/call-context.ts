/** The `ctx` of one call, the same for both eras. */

import type { Principal } from '../auth/auth.ts'
import type { ClientRequest, ClientRequester } from '../client-requests/client-request.ts'
import type { MessageStream } from '../client-requests/stream-requester.ts'
import { isObject } from '../lib/is-object.ts'
import { missingCapability } from '../protocol/errors.ts'
import { notificationMessage } from '../protocol/jsonrpc.ts'
import { has } from '../protocol/revisions.ts'
import type {
  CreateMessageParams,
  CreateMessageResult,
  ElicitResult,
  LogLevel,
  Root,
} from '../protocol/types.ts'
import { LOG_LEVELS } from '../protocol/types.ts'
import type { Infer, JsonSchema, Schema } from '../schema/schema.ts'
import { propertiesOf } from '../schema/schema.ts'
import { createObjectValidator } from '../schema/validator.ts'
import type { Change } from '../state/change-log.ts'
import type { SessionValues } from '../state/session-values.ts'
import type { Cancellation } from './cancellation.ts'
import { failure } from './content.ts'
import type { ClientRequestOptions, Context, Log, Notify, RequestInfo } from './context.ts'
import { createNotify } from './notify.ts'
import type { Tool } from './registry.ts'

/** What `ctx` needs of its call. Each era's call provides it. */
export interface CallFacts {
  readonly cancellation: Cancellation
  readonly request: RequestInfo
  readonly principal: Principal | undefined
  readonly deadline: number | undefined
  readonly progressToken: string | number | undefined
  /** Lowest level that the client wants; undefined for no log messages. */
  readonly logLevel: LogLevel | undefined
  /** The reply to the call's POST. */
  readonly stream: MessageStream & { disconnect(retryMs?: number): Promise<void> }
  readonly requester: ClientRequester
  readonly session: SessionValues
  publish(change: Change): Promise<void>
}

/** Makes the context of a call. `tool` is the tool that it runs, and undefined for prompts and resources. */
export function createContext(call: CallFacts, tool?: Tool): Context {
  return new CallContext(call, tool)
}

class CallContext implements Context {
  readonly #call: CallFacts
  readonly #tool: Tool | undefined
  #progress = Number.NEGATIVE_INFINITY
  #log: Log | undefined
  #notify: Notify | undefined

  constructor(call: CallFacts, tool: Tool | undefined) {
    this.#call = call
    this.#tool = tool
  }

  get signal(): AbortSignal {
    return this.#call.cancellation.signal
  }

  get deadline(): number | undefined {
    return this.#call.deadline
  }

  get session(): SessionValues {
    // A session of 2025 has values anyway, but the same handler would fail for clients of 2026.
    if (!this.#tool?.options.session) {
      const what = this.#tool ? `Tool "${this.#tool.name}"` : 'This handler'
      throw new TypeError(`${what} has no ctx.session: only tools with session: true have it`)
    }
    return this.#call.session
  }

  get principal(): Principal | undefined {
    return this.#call.principal
  }

  get request(): RequestInfo {
    return this.#call.request
  }

  progress(done: number, total?: number, message?: string): void {
    const { progressToken, stream } = this.#call
    // The protocol forbids a value that does not grow (B53), and infinity has no JSON.
    if (progressToken === undefined || !(done > this.#progress) || done === Infinity) return
    this.#progress = done
    stream.notify(
      notificationMessage('notifications/progress', {
        progressToken,
        progress: done,
        total: Number.isFinite(total) ? total : undefined,
        message,
      }),
    )
  }

  get log(): Log {
    this.#log ??= Object.fromEntries(
      LOG_LEVELS.map((level) => [
        level,
        (data: unknown, logger?: string) => this.#logMessage(level, data, logger),
      ]),
    ) as Log
    return this.#log
  }

  #logMessage(level: LogLevel, data: unknown, logger?: string): void {
    const { logLevel, stream } = this.#call
    if (!logLevel || LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(logLevel)) return
    stream.notify(notificationMessage('notifications/message', { level, logger, data }))
  }

  elicit<S extends Schema>(
    message: string,
    schema: S,
    { key }: ClientRequestOptions = {},
  ): Promise<ElicitResult<Infer<S>>> {
    return this.#ask(() => {
      const { elicitation } = this.request.capabilities
      // `{}` means forms, as in revisions that had only forms (A.5).
      const forms = elicitation && (elicitation.form !== undefined || elicitation.url === undefined)
      this.#require(forms && has.elicitation(this.request.revision), { elicitation: {} })
      const validator = createObjectValidator(schema, 'The schema of a question')
      const requestedSchema = toForm(validator.jsonSchema)
      const mode = has.urlElicitation(this.request.revision) && { mode: 'form' }
      return {
        key,
        method: 'elicitation/create',
        params: { ...mode, message, requestedSchema },
        async parse(answer) {
          const action = parseAction(answer)
          if (action !== 'accept') return action && { action }
          const result = await validator.validate((answer as { content?: unknown }).content ?? {})
          return result.ok ? { action, content: result.value as Infer<S> } : undefined
        },
      }
    })
  }

  elicitUrl(message: string, url: string, { key }: ClientRequestOptions = {}) {
    return this.#ask(() => {
      const { capabilities, revision, era } = this.request
      const able = capabilities.elicitation?.url !== undefined && has.urlElicitation(revision)
      this.#require(able, { elicitation: { url: {} } })
      if (!URL.canParse(url)) throw new TypeError(`Not an absolute URL: ${url}`)
      return {
        key,
        method: 'elicitation/create',
        params: {
          mode: 'url',
          message,
          url,
          ...(era === 'legacy' && { elicitationId: crypto.randomUUID() }),
        },
        parse(answer) {
          const action = parseAction(answer)
          return action && { action }
        },
      }
    })
  }

  sample(
    params: CreateMessageParams,
    { key }: ClientRequestOptions = {},
  ): Promise<CreateMessageResult> {
    return this.#ask(() => {
      const { sampling } = this.request.capabilities
      this.#require(sampling, { sampling: {} })
      if (params.tools) this.#require(sampling?.tools, { sampling: { tools: {} } })
      return {
        key,
        method: 'sampling/createMessage',
        params,
        parse: (answer) =>
          isObject(answer) && typeof answer.role === 'string' && 'content' in answer
            ? (answer as unknown as CreateMessageResult)
            : undefined,
      }
    })
  }

  roots({ key }: ClientRequestOptions = {}): Promise<Root[]> {
    return this.#ask(() => {
      this.#require(this.request.capabilities.roots, { roots: {} })
      return {
        key,
        method: 'roots/list',
        params: undefined,
        parse: (answer) =>
          isObject(answer) && Array.isArray(answer.roots) ? (answer.roots as Root[]) : undefined,
      }
    })
  }

  /** A handler may ask and not wait: a missing answer must not end the process as an unhandled rejection. */
  #ask<T>(prepare: () => ClientRequest<T>): Promise<T> {
    const answer = (async () => this.#call.requester.ask(prepare()))()
    answer.catch(() => {})
    return answer
  }

  step<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    return this.#call.requester.step(name, fn)
  }

  get notify(): Notify {
    this.#notify ??= createNotify((change) => this.#call.publish(change))
    return this.#notify
  }

  async disconnect(retryMs?: number): Promise<void> {
    await this.#call.stream.disconnect(retryMs)
  }

  /** 2026 has an error that names the missing capability (C18); in 2025 it is a failure of the call. */
  #require(declared: unknown, capabilities: object): void {
    if (declared) return
    if (this.request.era === 'modern') throw missingCapability(capabilities)
    throw failure(`This needs a client with the capability ${JSON.stringify(capabilities)}`)
  }
}

const PLAIN = new Set<unknown>(['string', 'number', 'integer', 'boolean'])

/**
 * Clients show forms of plain values and choices only (B66, B68). They need `type: 'string'` beside the
 * choices, which arktype leaves out.
 */
function toForm(schema: JsonSchema): JsonSchema {
  const properties = propertiesOf(schema).map(([name, property]) => {
    const { type, enum: choices, items } = property
    if (PLAIN.has(type)) return [name, property]
    if (type === 'array' && isObject(items) && (items.enum ?? items.anyOf)) return [name, property]
    if (Array.isArray(choices) && choices.every((choice) => typeof choice === 'string')) {
      return [name, { type: 'string', ...property }]
    }
    throw new TypeError(
      `A question asks for strings, numbers, booleans and choices: property "${name}" is none`,
    )
  })
  return { ...schema, properties: Object.fromEntries(properties) }
}

function parseAction(answer: unknown): 'accept' | 'decline' | 'cancel' | undefined {
  const action = isObject(answer) ? answer.action : undefined
  return action === 'accept' || action === 'decline' || action === 'cancel' ? action : undefined
}
