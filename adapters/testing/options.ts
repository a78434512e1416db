/** What both generations of the official SDK are connected with. */

import type { Era, Platform } from '../../src/index.ts'

/** What `createMcp()` returns, or any app that answers a web request, such as a Hono app. */
export interface Fetches {
  /** Answers a web request. `env.platform` is what a host would tell of it. */
  fetch(request: Request, env?: { platform?: Platform }): Response | Promise<Response>
}

/** How a client connects, and what it can do for the server. */
export interface ConnectOptions {
  /**
   * Which client connects: of the revision with `initialize` and sessions (2025-11-25), or of the
   * stateless one (2026-07-28). With `auto` it finds out what the server speaks, as a host does.
   * @default 'modern'
   */
  era?: Era | 'auto'
  /** URL of the endpoint. @default 'http://localhost/mcp' */
  url?: string | URL
  /** Sent with each request, such as `{ authorization: 'Bearer …' }`. */
  headers?: Record<string, string>
  /** What a host would tell the server, such as the context of a gateway's authorizer. */
  platform?: Platform
  /** The client's name and version. @default { name: 'test', version: '1.0.0' } */
  clientInfo?: { name: string; version: string }
  /** A person who answers `ctx.elicit()` and `ctx.elicitUrl()`. Without it, the client cannot be asked. */
  elicit?: (question: Question) => Answer | Promise<Answer>
  /** A model that answers `ctx.sample()`, with a text or a whole result. Without it, there is none. */
  sample?: (params: SampleParams) => Sample | Promise<Sample>
  /** The folders that answer `ctx.roots()`, as `file://` URIs. Without it, the client has none to tell. */
  roots?: () => readonly string[] | Promise<readonly string[]>
}

/** A question to the person: `requestedSchema` describes the form, `url` is the page to open instead. */
export interface Question {
  readonly message: string
  readonly requestedSchema?: object
  readonly url?: string
}

/** What the person does with a {@link Question}. */
export type Answer =
  | { action: 'accept'; content?: Record<string, string | number | boolean | string[]> }
  | { action: 'decline' | 'cancel' }

/** What the model is asked. */
export interface SampleParams {
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: unknown }[]
  readonly maxTokens: number
  readonly systemPrompt?: string | undefined
}

/** What the model says: a text, or the whole result. */
export type Sample =
  | string
  | {
      role: 'user' | 'assistant'
      content: { type: 'text'; text: string }
      model: string
      stopReason?: string
    }

/** Loads an optional peer when it is needed, and says what to install when it is not there. */
export async function load<T>(name: string, importIt: () => Promise<T>): Promise<T> {
  try {
    return await importIt()
  } catch (cause) {
    throw new Error(`connect() needs the official SDK: npm install --save-dev ${name}`, {
      cause,
    })
  }
}

export const infoOf = ({ clientInfo = { name: 'test', version: '1.0.0' } }: ConnectOptions) =>
  clientInfo

export const urlOf = ({ url = 'http://localhost/mcp' }: ConnectOptions) => new URL(url)

/** A client declares what it has a handler for. */
export function capabilitiesOf({ elicit, sample, roots }: ConnectOptions) {
  return {
    ...(elicit && { elicitation: { form: {}, url: {} } }),
    ...(sample && { sampling: {} }),
    ...(roots && { roots: {} }),
  }
}

export function toSample(sample: Sample) {
  return typeof sample === 'string'
    ? {
        role: 'assistant' as const,
        content: { type: 'text' as const, text: sample },
        model: 'test-model',
      }
    : sample
}

export const toRoots = (uris: readonly string[]) => ({ roots: uris.map((uri) => ({ uri })) })

export function transportOf(mcp: Fetches, { headers = {}, platform }: ConnectOptions) {
  return {
    requestInit: { headers },
    // A test need not wait as long as a network would.
    reconnectionOptions: {
      initialReconnectionDelay: 5,
      maxReconnectionDelay: 20,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 5,
    },
    async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
      const response = await mcp.fetch(new Request(url, init), platform ? { platform } : undefined)
      const { body } = response
      if (!body || !init.signal) return response
      // A socket ends the body when the client goes away. Here the pipe does it.
      return new Response(
        body.pipeThrough(new TransformStream(), { signal: init.signal }),
        response,
      )
    },
  }
}
