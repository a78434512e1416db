/** Shapes of the protocol that authors and clients see (schema 2025-11-25 and 2026-07-28). */

export interface Icon {
  src: string
  mimeType?: string
  sizes?: string[]
  theme?: 'light' | 'dark'
}

export interface Implementation {
  name: string
  version: string
  title?: string
  description?: string
  websiteUrl?: string
  icons?: Icon[]
}

export interface Annotations {
  audience?: ('user' | 'assistant')[]
  /** 0 to 1. */
  priority?: number
  /** ISO 8601. */
  lastModified?: string
}

interface ContentBase {
  annotations?: Annotations
  _meta?: Record<string, unknown>
}

export interface TextContent extends ContentBase {
  type: 'text'
  text: string
}

/** `data` is base64. */
export interface ImageContent extends ContentBase {
  type: 'image'
  data: string
  mimeType: string
}

/** `data` is base64. */
export interface AudioContent extends ContentBase {
  type: 'audio'
  data: string
  mimeType: string
}

export interface ResourceLink extends ContentBase {
  type: 'resource_link'
  uri: string
  name: string
  title?: string
  description?: string
  mimeType?: string
  size?: number
  icons?: Icon[]
}

export interface EmbeddedResource extends ContentBase {
  type: 'resource'
  resource: ResourceContents
}

export type ContentBlock =
  | TextContent
  | ImageContent
  | AudioContent
  | ResourceLink
  | EmbeddedResource

/** Text, or `blob` in base64. */
export type ResourceContents = {
  uri: string
  mimeType?: string
  _meta?: Record<string, unknown>
} & ({ text: string } | { blob: string })

export interface CallToolResult {
  content: ContentBlock[]
  structuredContent?: unknown
  isError?: boolean
  _meta?: Record<string, unknown>
}

export interface PromptMessage {
  role: 'user' | 'assistant'
  content: ContentBlock
}

export interface GetPromptResult {
  description?: string
  messages: PromptMessage[]
  _meta?: Record<string, unknown>
}

export interface ReadResourceResult {
  contents: ResourceContents[]
  _meta?: Record<string, unknown>
}

export interface ToolAnnotations {
  title?: string
  readOnlyHint?: boolean
  destructiveHint?: boolean
  idempotentHint?: boolean
  openWorldHint?: boolean
}

/** What the client can do: as declared at `initialize`, or on this request in the modern era. */
export interface ClientCapabilities {
  elicitation?: { form?: object; url?: object }
  sampling?: { tools?: object; context?: object }
  roots?: { listChanged?: boolean }
  extensions?: Record<string, object>
  [capability: string]: unknown
}

export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export function isLogLevel(value: unknown): value is LogLevel {
  return (LOG_LEVELS as readonly unknown[]).includes(value)
}

export interface SamplingMessage {
  role: 'user' | 'assistant'
  content: object | object[]
}

/** `sampling/createMessage`. */
export interface CreateMessageParams {
  messages: SamplingMessage[]
  maxTokens: number
  systemPrompt?: string
  temperature?: number
  stopSequences?: string[]
  modelPreferences?: object
  metadata?: object
  includeContext?: 'none' | 'thisServer' | 'allServers'
  /** Only for clients that declare `sampling.tools`. */
  tools?: object[]
  toolChoice?: object
}

export interface CreateMessageResult {
  role: 'user' | 'assistant'
  // biome-ignore lint/suspicious/noExplicitAny: content differs by revision (a block or a list of them); the reader knows what it asked for
  content: any
  model: string
  stopReason?: string
}

export interface Root {
  uri: string
  name?: string
}

/** What a person did with a question. Declining and cancelling are answers, not errors. */
export type ElicitResult<T> =
  | { action: 'accept'; content: T }
  | { action: 'decline' }
  | { action: 'cancel' }
