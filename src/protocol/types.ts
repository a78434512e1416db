/** Shapes of the protocol that authors and clients see (schema 2025-11-25 and 2026-07-28). */

/**
 * Metadata of a definition, of content, or of a result. Names of your own have a prefix that you control:
 * `example.com/cost`. The protocol defines those with `modelcontextprotocol` or `mcp` in it.
 */
export interface Meta {
  /** The task that a message belongs to (2025-11-25). */
  'io.modelcontextprotocol/related-task'?: { taskId: string }
  [name: string]: unknown
}

/** Metadata that came with a request: what the protocol defines, and what the client adds. Not to be relied on. */
export interface RequestMeta {
  readonly progressToken?: string | number
  readonly traceparent?: string
  readonly tracestate?: string
  readonly baggage?: string
  readonly 'io.modelcontextprotocol/protocolVersion'?: string
  readonly 'io.modelcontextprotocol/clientInfo'?: {
    readonly name?: string
    readonly version?: string
  }
  readonly 'io.modelcontextprotocol/clientCapabilities'?: ClientCapabilities
  readonly 'io.modelcontextprotocol/logLevel'?: LogLevel
  readonly [name: string]: unknown
}

/** An image for a server, a tool, a prompt or a resource (from 2025-11-25). */
export interface Icon {
  /** An https or `data:` URI. */
  src: string
  mimeType?: string
  /** Such as `48x48`, or `any`. */
  sizes?: string[]
  /** The background that it is made for. */
  theme?: 'light' | 'dark'
}

/** Name and version of a server or a client, as it tells them about itself. */
export interface Implementation {
  name: string
  version: string
  title?: string | undefined
  description?: string | undefined
  websiteUrl?: string | undefined
  icons?: Icon[] | undefined
}

/** Hints about content: for whom it is, and how much it matters. */
export interface Annotations {
  audience?: ('user' | 'assistant')[]
  /** 0 (may be left out) to 1 (must be read). */
  priority?: number
  /** ISO 8601. */
  lastModified?: string
}

interface ContentBase {
  annotations?: Annotations
  _meta?: Meta
}

/** A text. Made by `text()`. */
export interface TextContent extends ContentBase {
  type: 'text'
  text: string
}

/** An image, its `data` in base64. Made by `image()`. */
export interface ImageContent extends ContentBase {
  type: 'image'
  data: string
  mimeType: string
}

/** Sound, its `data` in base64. Made by `audio()`. */
export interface AudioContent extends ContentBase {
  type: 'audio'
  data: string
  mimeType: string
}

/** The URI of a resource that the client can read (from 2025-06-18). Made by `resourceLink()`. */
export interface ResourceLink extends ContentBase {
  type: 'resource_link'
  uri: string
  name: string
  title?: string
  description?: string
  mimeType?: string
  /** Bytes. */
  size?: number
  icons?: Icon[]
}

/** A resource with its contents, in the result itself. Made by `embedded()`. */
export interface EmbeddedResource extends ContentBase {
  type: 'resource'
  resource: ResourceContents
}

/** One piece of what a tool returns or a prompt says. */
export type ContentBlock =
  | TextContent
  | ImageContent
  | AudioContent
  | ResourceLink
  | EmbeddedResource

/** The contents of a resource: `text`, or `blob` in base64. */
export type ResourceContents = {
  uri: string
  mimeType?: string
  _meta?: Meta
} & ({ text: string } | { blob: string })

/** The whole result of a tool. */
export interface CallToolResult {
  content: ContentBlock[]
  /** A JSON value that fits the tool's output schema. */
  structuredContent?: unknown
  /** Whether the tool failed; `content` then says why, for the model. */
  isError?: boolean
  _meta?: Meta
}

/** One message of a prompt. */
export interface PromptMessage {
  role: 'user' | 'assistant'
  content: ContentBlock
}

/** The whole result of a prompt. */
export interface GetPromptResult {
  description?: string
  messages: PromptMessage[]
  _meta?: Meta
}

/** The whole result of reading a resource: one or several contents. */
export interface ReadResourceResult {
  contents: ResourceContents[]
  _meta?: Meta
}

/** Values for an argument of a prompt or a variable of a resource template. */
export interface Completion {
  /** 100 at most (B55). */
  values: string[]
  /** How many values there are. */
  total?: number
  hasMore?: boolean
}

/** One item of a list, as the client's revision has it. */
export interface ListedItem {
  name: string
  title?: string
  description?: string
  icons?: Icon[]
  _meta?: Meta
  /** A tool's `inputSchema`, a prompt's `arguments`, a resource's `uri`, and so on. */
  [member: string]: unknown
}

/** One page of a list. Only the member that the list is named after is there. */
export interface ListResult {
  tools?: ListedItem[]
  prompts?: ListedItem[]
  resources?: ListedItem[]
  resourceTemplates?: ListedItem[]
  /** Where the next page begins; the last page has none. */
  nextCursor?: string
  /** Milliseconds that the client may keep the page (2026). */
  ttlMs?: number
  /** Whether caches may serve the page to other callers (2026). */
  cacheScope?: 'public' | 'private'
  _meta?: Meta
}

/** Hints about what a tool does. Clients show them; nothing enforces them. */
export interface ToolAnnotations {
  title?: string
  /** The tool changes nothing. @default false */
  readOnlyHint?: boolean
  /** What it changes may be lost. @default true */
  destructiveHint?: boolean
  /** To call it twice changes no more than to call it once. @default false */
  idempotentHint?: boolean
  /** It works on things outside the server. @default true */
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

/** The levels of log messages, from the least to the most severe (RFC 5424). */
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
/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Whether a value that a client sent is a log level. */
export function isLogLevel(value: unknown): value is LogLevel {
  return (LOG_LEVELS as readonly unknown[]).includes(value)
}

/** One message for the client's model: content as in a result, one block or a list. */
export interface SamplingMessage {
  role: 'user' | 'assistant'
  content: object | object[]
}

/** What `ctx.sample()` asks of the client's model (`sampling/createMessage`). */
export interface CreateMessageParams {
  messages: SamplingMessage[]
  /** The most tokens that the model may write. */
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

/** What the client's model wrote. */
export interface CreateMessageResult {
  role: 'user' | 'assistant'
  // biome-ignore lint/suspicious/noExplicitAny: content differs by revision (a block or a list of them); the reader knows what it asked for
  content: any
  model: string
  stopReason?: string
}

/** A place that the client works in: a `file://` URI. */
export interface Root {
  uri: string
  name?: string
}

/** What a person did with a question. Declining and cancelling are answers, not errors. */
export type ElicitResult<T> =
  | { action: 'accept'; content: T }
  | { action: 'decline' }
  | { action: 'cancel' }
