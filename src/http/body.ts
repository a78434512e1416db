/** The body of a POST as a JSON value, or the response that refuses it. */
import type { Platform } from '../auth/auth.ts'
import type { McpError } from '../protocol/errors.ts'
import { invalidRequest, parseError } from '../protocol/errors.ts'
import { nestsDeeper } from '../protocol/jsonrpc.ts'
import { errorResponse } from './responses.ts'
import * as status from './status.ts'

/** How large a body may be. */
export interface BodyOptions {
  /** Bytes of a body at most. @default 4 MiB */
  bodyLimit?: number | undefined
  /** Levels of arrays and objects in a body at most. @default 100 */
  depthLimit?: number | undefined
}

/**
 * Reads the body of a request. `cached` is Hono's request, which keeps a body that middleware has read.
 */
export type ReadJson = (
  request: Request,
  platform: Platform,
  cached: Pick<Request, 'arrayBuffer'>,
) => Promise<unknown>

type Bytes = Uint8Array | ArrayBuffer

/** Messages are UTF-8 (B6): other bytes are refused, not replaced. */
const UTF8 = new TextDecoder('utf-8', { fatal: true })

export function createBodyReader(options: BodyOptions = {}): ReadJson {
  const { bodyLimit = 4 * 1024 * 1024, depthLimit = 100 } = options

  function parse(bytes: Bytes | undefined): unknown {
    if (!bytes || bytes.byteLength > bodyLimit) {
      const why = `the body is larger than ${bodyLimit} bytes`
      return refuse(status.TOO_LARGE, invalidRequest(why))
    }
    try {
      const text = UTF8.decode(bytes)
      if (nestsDeeper(text, depthLimit)) {
        const why = `the body nests deeper than ${depthLimit} levels`
        return refuse(status.UNREADABLE, invalidRequest(why))
      }
      return JSON.parse(text)
    } catch {
      return refuse(status.UNREADABLE, parseError())
    }
  }

  return async (request, { rawBody }, cached) => {
    if (!isJson(request.headers.get('content-type'))) {
      const why = 'Content-Type must be application/json'
      return refuse(status.WRONG_CONTENT_TYPE, invalidRequest(why))
    }
    const raw = rawBody?.request === request ? rawBody.body(bodyLimit) : undefined
    try {
      return parse(await (raw ?? readBody(request, bodyLimit)))
    } catch {
      // If middleware consumed the body, use Hono's cached copy; a truncated upload has none.
      return readCached(cached)
    }
  }

  async function readCached(cached: Pick<Request, 'arrayBuffer'>): Promise<unknown> {
    try {
      return parse(await cached.arrayBuffer())
    } catch {
      return refuse(status.UNREADABLE, parseError())
    }
  }
}

function refuse(statusCode: number, error: McpError): Response {
  return errorResponse(statusCode, null, error)
}

function isJson(contentType: string | null): boolean {
  return contentType === 'application/json' || /^application\/json\s*(;|$)/i.test(contentType ?? '')
}

/** Reads a body up to the limit; undefined when it is larger. */
function readBody(request: Request, limit: number): Promise<Bytes | undefined> {
  const announced = request.headers.get('content-length')
  if (Number(announced) > limit) return Promise.resolve(undefined)
  // A body of known length is read at once: a reader costs twice as much.
  return announced !== null && /^\d+$/.test(announced)
    ? request.arrayBuffer()
    : readChunks(request, limit)
}

async function readChunks(request: Request, limit: number): Promise<Bytes | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  // Without cancellation at the end: that would wait for the holder of a clone, who may never read it.
  for await (const chunk of request.body?.values({ preventCancel: true }) ?? []) {
    length += chunk.byteLength
    if (length > limit) return undefined
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}
