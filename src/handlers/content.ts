/** What a handler returned, as the content the protocol wants. */
import { isObject } from '../lib/is-object.ts'
import type {
  Annotations,
  AudioContent,
  CallToolResult,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  Meta,
  ResourceContents,
  ResourceLink,
  TextContent,
} from '../protocol/types.ts'
import { Failure } from './failure.ts'

/** A text, where annotations or a list of several blocks make a plain string too little. */
export function text(value: string, annotations?: Annotations): TextContent {
  return { type: 'text', text: value, ...(annotations && { annotations }) }
}

/** An image from bytes (or base64 text). Without a MIME type it is read off the bytes' signature. */
export function image(data: Uint8Array | string, mimeType?: string): ImageContent {
  return { type: 'image', ...encoded(data, mimeType, 'image/') }
}

/** Sound from bytes (or base64 text). Without a MIME type it is read off the bytes' signature. */
export function audio(data: Uint8Array | string, mimeType?: string): AudioContent {
  return { type: 'audio', ...encoded(data, mimeType, 'audio/') }
}

/** The URI of a resource that the client can read. Clients of 2025-03-26 get it as text. */
export function resourceLink(
  uri: string,
  name: string,
  more: Omit<ResourceLink, 'type' | 'uri' | 'name'> = {},
): ResourceLink {
  return { type: 'resource_link', uri, name, ...more }
}

/** A resource carried along in the result itself. */
export function embedded(
  uri: string,
  value: string | Uint8Array,
  mimeType?: string,
): EmbeddedResource {
  return { type: 'resource', resource: toContents(uri, value, mimeType) }
}

/**
 * What a tool may return. A string, number or boolean is text, bytes are an image, audio or a
 * file by their signature, any other object is `structuredContent` with its JSON as text, and
 * `undefined` is an empty result. An `Error` that is returned counts as thrown.
 */
export type ToolReturn =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | Uint8Array
  | ArrayBuffer
  | ContentBlock
  | ContentBlock[]
  | CallToolResult
  | Failure
  | object

/**
 * What a tool may return whose output schema accepts `R`: such a value, the same with content of one's
 * own beside it, or a failure. Without a typed schema, {@link ToolReturn}.
 */
export type ToolReturnOf<R> =
  | (unknown extends R ? ToolReturn : Loosened<R>)
  | StructuredResult<unknown extends R ? unknown : Loosened<R>>
  | Error

/**
 * A type with `string` for each of its texts and arrays for its tuples. TypeScript infers no literals
 * from what a handler returns, and the output schema checks them at run time.
 */
type Loosened<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends readonly (infer E)[]
        ? readonly Loosened<E>[]
        : T extends Date | Uint8Array
          ? T
          : T extends object
            ? { [K in keyof T]: Loosened<T[K]> }
            : T

/** A full result whose `structuredContent` matches the output schema. It may be absent with `isError`. */
export interface StructuredResult<T> {
  content: ContentBlock[]
  structuredContent?: T
  isError?: boolean
  _meta?: Meta
}

export function toFailureResult(why: string): CallToolResult {
  return { content: [text(why)], isError: true }
}

/**
 * A tool's return value as a result. Throws what JSON.stringify throws (a cycle, a BigInt inside an
 * object): the author's mistake, reported like any other exception of a handler.
 */
export function toToolResult(value: unknown, structured: boolean): CallToolResult {
  if (value instanceof Failure) return toFailureResult(value.message)
  if (value instanceof Error) throw value
  if (isToolResult(value)) return value
  if (structured) {
    return { content: [text(toJson(value))], structuredContent: value }
  }
  if (value === undefined) return { content: [] }
  if (typeof value === 'string') return { content: [{ type: 'text', text: value }] }
  if (value instanceof Uint8Array) return { content: [bytes(value)] }
  if (value instanceof ArrayBuffer) return { content: [bytes(new Uint8Array(value))] }
  if (isContentBlock(value)) return { content: [value] }
  if (Array.isArray(value) && value.length > 0 && value.every(isContentBlock)) {
    return { content: value }
  }
  if (typeof value === 'object' && value !== null) {
    return { content: [text(toJson(value))], structuredContent: value }
  }
  // `String()` of a function would be its source text.
  if (typeof value === 'function' || typeof value === 'symbol') toJson(value)
  return { content: [text(String(value))] }
}

/**
 * The JSON of a value. Throws a `TypeError` for a value without JSON: a function, a value whose
 * `toJSON` returns nothing, and a Map, Blob or Response, of which JSON would keep `{}`.
 */
function toJson(value: unknown): string {
  const json: string | undefined = JSON.stringify(value)
  if (json === undefined) throw new TypeError(`A ${typeof value} has no JSON: return a plain value`)
  if (json.includes('{}')) checkMembers(value)
  return json
}

/** Throws for a Map and its like anywhere in the value, once its JSON has shown that one may be there. */
function checkMembers(value: unknown): void {
  JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || isPlain(part)) return part
    if (Array.isArray(part) || Object.keys(part).length > 0) return part
    // A bundler may have numbered the name of a class: `Response$1`.
    const type = part.constructor.name.replace(/\$\d+$/, '')
    throw new TypeError(
      `A ${type} has no JSON: return what it holds, such as Object.fromEntries(map), [...set] or await response.text()`,
    )
  })
}

/** Whether an object is a literal: its own members are all there is to it. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The contents of a resource: text as it is, bytes in base64, anything else as JSON. */
export function toContents(uri: string, value: unknown, mimeType?: string): ResourceContents {
  if (value instanceof Error) throw value
  if (value instanceof ArrayBuffer) return toContents(uri, new Uint8Array(value), mimeType)
  if (value instanceof Uint8Array) {
    const type = mimeType ?? signature(value)
    return { uri, ...(type && { mimeType: type }), blob: toBase64(value) }
  }
  if (typeof value === 'string') return { uri, ...(mimeType && { mimeType }), text: value }
  return { uri, mimeType: mimeType ?? 'application/json', text: toJson(value) }
}

const BLOCKS = new Map<unknown, string>([
  ['text', 'text'],
  ['image', 'data'],
  ['audio', 'data'],
  ['resource_link', 'uri'],
  ['resource', 'resource'],
])

/** An object whose `type` is a content type and that has that type's own member: a weather report of type "text" is not one. */
function isContentBlock(value: unknown): value is ContentBlock {
  if (!isObject(value)) return false
  const member = BLOCKS.get(value.type)
  return member !== undefined && member in value
}

const RESULT_MEMBERS = new Set(['content', 'structuredContent', 'isError', '_meta'])

/** Content blocks make a result; without any, only its own members do: a page of no hits has `content: []`, too. */
function isToolResult(value: unknown): value is CallToolResult {
  if (!isObject(value) || !Array.isArray(value.content)) return false
  return value.content.length > 0
    ? value.content.every(isContentBlock)
    : Object.keys(value).every((member) => RESULT_MEMBERS.has(member))
}

function bytes(value: Uint8Array): ContentBlock {
  const mimeType = signature(value)
  if (mimeType?.startsWith('image/')) return image(value, mimeType)
  if (mimeType?.startsWith('audio/')) return audio(value, mimeType)
  return embedded(`urn:uuid:${crypto.randomUUID()}`, value, mimeType ?? 'application/octet-stream')
}

function encoded(data: Uint8Array | string, mimeType: string | undefined, family: string) {
  const raw = typeof data === 'string' ? undefined : data
  const found = mimeType ?? (raw && signature(raw))
  if (!found?.startsWith(family)) {
    throw new TypeError(`Give the MIME type of this ${family.slice(0, -1)}: its bytes do not tell`)
  }
  return { data: raw ? toBase64(raw) : (data as string), mimeType: found }
}

/** Offset and bytes (as Latin-1) that begin a file of the type; WHATWG MIME Sniffing, section 6. */
const SIGNATURES: readonly (readonly [mimeType: string, offset: number, magic: string])[] = [
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/gif', 0, 'GIF8'],
  ['image/webp', 8, 'WEBP'],
  ['audio/wav', 8, 'WAVE'],
  ['audio/mpeg', 0, 'ID3'],
  ['audio/mpeg', 0, '\xff\xfb'],
  ['audio/ogg', 0, 'OggS'],
  ['audio/flac', 0, 'fLaC'],
  ['application/pdf', 0, '%PDF-'],
  ['application/zip', 0, 'PK\x03\x04'],
]

function signature(value: Uint8Array): string | undefined {
  const head = String.fromCharCode(...value.subarray(0, 16))
  return SIGNATURES.find(([, offset, magic]) => head.startsWith(magic, offset))?.[0]
}

function toBase64(value: Uint8Array): string {
  // In pieces, because String.fromCharCode takes the bytes as arguments, whose number is limited.
  let binary = ''
  for (let i = 0; i < value.length; i += 0x8000) {
    binary += String.fromCharCode(...value.subarray(i, i + 0x8000))
  }
  return btoa(binary)
}
