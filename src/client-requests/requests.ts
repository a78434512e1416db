/**
 * The requests that a handler can send: each checks that the client has the capability, and reads its answer.
 * This module is loaded at the first request, because most tools send none.
 */

import type { RequestInfo } from '../handlers/context.ts'
import { failure } from '../handlers/failure.ts'
import { isObject } from '../lib/is-object.ts'
import { missingCapability } from '../protocol/errors.ts'
import { has } from '../protocol/revisions.ts'
import type {
  CreateMessageParams,
  CreateMessageResult,
  ElicitResult,
  Root,
} from '../protocol/types.ts'
import type { Infer, JsonSchema, Schema } from '../schema/schema.ts'
import { propertiesOf } from '../schema/schema.ts'
import { createObjectValidator } from '../schema/validator.ts'
import type { ClientRequest } from './client-request.ts'

type Action = ElicitResult<unknown>['action']

/** Asks the person to fill in a form (B65, B66). */
export function formRequest<S extends Schema>(
  { capabilities: { elicitation }, era, revision }: RequestInfo,
  message: string,
  schema: S,
): ClientRequest<ElicitResult<Infer<S>>> {
  // `{}` means forms, as in revisions that had only forms (A.5).
  const forms = elicitation && (elicitation.form !== undefined || elicitation.url === undefined)
  requireCapability(era, forms && has.elicitation(revision), { elicitation: {} })
  const validator = createObjectValidator(schema, 'The schema of a question')
  const requestedSchema = toForm(validator.jsonSchema)
  const mode = has.urlElicitation(revision) && { mode: 'form' }
  return {
    method: 'elicitation/create',
    params: { ...mode, message, requestedSchema },
    async parse(answer) {
      const action = parseAction(answer)
      if (action !== 'accept') return action && { action }
      const result = await validator.validate((answer as { content?: unknown }).content ?? {})
      return result.ok ? { action, content: result.value as Infer<S> } : undefined
    },
  }
}

/** Asks the person to open a URL. */
export function urlRequest(
  { capabilities, era, revision }: RequestInfo,
  message: string,
  url: string,
): ClientRequest<{ action: Action }> {
  const able = capabilities.elicitation?.url !== undefined && has.urlElicitation(revision)
  requireCapability(era, able, { elicitation: { url: {} } })
  if (!URL.canParse(url)) throw new TypeError(`Not an absolute URL: ${url}`)
  return {
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
}

/** Asks the client's model to write something. */
export function samplingRequest(
  { capabilities: { sampling }, era }: RequestInfo,
  params: CreateMessageParams,
): ClientRequest<CreateMessageResult> {
  requireCapability(era, sampling, { sampling: {} })
  if (params.tools) requireCapability(era, sampling?.tools, { sampling: { tools: {} } })
  return {
    method: 'sampling/createMessage',
    params,
    parse: (answer) =>
      isObject(answer) && typeof answer.role === 'string' && 'content' in answer
        ? (answer as unknown as CreateMessageResult)
        : undefined,
  }
}

/** Asks for the folders or other places in which the client works. */
export function rootsRequest({ capabilities, era }: RequestInfo): ClientRequest<Root[]> {
  requireCapability(era, capabilities.roots, { roots: {} })
  return {
    method: 'roots/list',
    params: undefined,
    parse: (answer) =>
      isObject(answer) && Array.isArray(answer.roots) ? (answer.roots as Root[]) : undefined,
  }
}

/** 2026 has an error that names the missing capability (C18); in 2025 it is a failure of the call. */
function requireCapability(era: RequestInfo['era'], declared: unknown, capabilities: object): void {
  if (declared) return
  if (era === 'modern') throw missingCapability(capabilities)
  throw failure(`This needs a client with the capability ${JSON.stringify(capabilities)}`)
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

function parseAction(answer: unknown): Action | undefined {
  const action = isObject(answer) ? answer.action : undefined
  return action === 'accept' || action === 'decline' || action === 'cancel' ? action : undefined
}
