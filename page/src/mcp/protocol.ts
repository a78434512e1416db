/** What both eras of the protocol share: messages, errors, and what a call may ask of the page. */
import type { JsonObject } from '../json.ts'
import { isObject, numberOf, objectOf, textOf } from '../json.ts'
import type { HttpRecord } from './http.ts'

export const LEGACY = '2025-11-25'
export const MODERN = '2026-07-28'
export type Era = typeof LEGACY | typeof MODERN

export const CLIENT_INFO = { name: 'streamable-mcp-page', title: 'MCP page', version: '1.0.0' }

/** The extension by which tools have a user interface, and by which a call becomes a task. */
export const UI_EXTENSION = 'io.modelcontextprotocol/ui'
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'
export const APP_TYPE = 'text/html;profile=mcp-app'

const ASKABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const UI = { [UI_EXTENSION]: { mimeTypes: [APP_TYPE] } }

/** What the person at this page can do for a server. */
export const LEGACY_CAPABILITIES = { ...ASKABLE, extensions: UI }
export const MODERN_CAPABILITIES = { ...ASKABLE, extensions: { ...UI, [TASKS_EXTENSION]: {} } }

/** An error that the server answered with. */
export class RpcError extends Error {
  override name = 'RpcError'
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** What the server says of itself. */
export interface ServerInfo {
  readonly name: string
  readonly title: string | undefined
  readonly version: string
  readonly description: string | undefined
  readonly websiteUrl: string | undefined
  readonly instructions: string | undefined
  readonly capabilities: JsonObject
  readonly revision: string
}

/** A request of the server for the person. */
export interface Question {
  readonly method: string
  readonly params: JsonObject
}

/** How a running call speaks with the page. */
export interface CallHooks {
  readonly signal?: AbortSignal
  /** Progress, log messages and other notifications of this call. */
  readonly onNotification?: (method: string, params: JsonObject) => void
  /** Asks the person, and resolves with the result for the server. */
  readonly ask?: (question: Question, signal?: AbortSignal) => Promise<JsonObject>
  /** How the task stands that the call has become. */
  readonly onTask?: (task: JsonObject) => void
  /** The parameters that travel in headers, from the tool's schema. */
  readonly paramHeaders?: Readonly<Record<string, string>>
}

/** What a connection needs of the page. */
export interface ClientHost {
  readonly url: string
  /** The access token, if there is one. */
  token(): string | undefined
  onRecord(record: HttpRecord): void
  /** Notifications that belong to no call. */
  onNotification(method: string, params: JsonObject): void
  /** Questions that belong to no call of the page. */
  ask(question: Question, signal?: AbortSignal): Promise<JsonObject>
}

/** A connection of one era. */
export interface Connection {
  readonly era: Era
  readonly info: ServerInfo
  request(method: string, params: JsonObject, hooks?: CallHooks): Promise<JsonObject>
  /** Listens for changes until it is closed. Servers without listening end it at once. */
  listen(): void
  close(): void
}

export function toServerInfo(
  implementation: unknown,
  result: JsonObject,
  revision: string,
): ServerInfo {
  const info = objectOf(implementation)
  return {
    name: textOf(info.name) ?? 'MCP server',
    title: textOf(info.title),
    version: textOf(info.version) ?? '',
    description: textOf(info.description),
    websiteUrl: textOf(info.websiteUrl),
    instructions: textOf(result.instructions),
    capabilities: objectOf(result.capabilities),
    revision,
  }
}

/** The result of a response. Throws its error. */
export function resultOf(message: JsonObject): JsonObject {
  if (isObject(message.error)) {
    const { code, message: text, data } = message.error
    throw new RpcError(numberOf(code) ?? 0, textOf(text) ?? 'An error without a message', data)
  }
  return objectOf(message.result)
}

/** A text as the value of a header: as it is, or in base64 between the protocol's marks. */
export function headerValue(text: string): string {
  const plain = /^[\x20-\x7e]*$/.test(text) && text.trim() === text && !/^=\?base64\?/.test(text)
  if (plain) return text
  const bytes = new TextEncoder().encode(text)
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return `=?base64?${btoa(binary)}?=`
}
