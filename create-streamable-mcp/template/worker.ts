/** The server on Cloudflare Workers. */

import type { Mcp } from 'streamable-mcp'
import { bearer } from 'streamable-mcp'
import { createServer } from './server.ts'

/** Secrets of the Worker: `.dev.vars` at home, `wrangler secret put` in the cloud. */
interface Env {
  readonly MCP_AUTH_TOKEN: string
  /** Seals the state that clients return when a tool has asked them something. */
  readonly MCP_STATE_KEY: string
}

let server: Mcp | undefined

export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    server ??= createServer({
      auth: bearer({ tokens: [env.MCP_AUTH_TOKEN] }),
      stateKeys: [env.MCP_STATE_KEY],
      // Each isolate has a memory of its own, which no session can rely on.
      sessions: 'none',
    })
    // Cloudflare sends a Worker the requests for its own names alone, so the URL can be trusted.
    const baseUrl = new URL(request.url).origin
    return server.fetch(request, { platform: { baseUrl } })
  },
}
