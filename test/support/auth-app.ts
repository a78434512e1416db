/** A server with one method of authorization, and calls that return the caller as the server sees it. */

import type { Auth, LogEntry, Platform } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'

export interface AuthAppOptions {
  platform?: Platform
  path?: string
  /** Tools besides `whoami`, and the scopes they need. Clients can ask for those. */
  tools?: Record<string, string[]>
}

export function createAuthApp(
  auth: Auth,
  { platform = {}, path, tools = {} }: AuthAppOptions = {},
) {
  const log: LogEntry[] = []
  const mcp = createMcp({
    name: 'test',
    version: '1.0.0',
    auth,
    allowedHosts: ['*'],
    log: (entry) => log.push(entry),
    ...(path !== undefined && { path }),
  })
  for (const [name, scopes] of Object.entries({ whoami: [], ...tools })) {
    mcp.tool(name, { description: 'Who calls', scopes, stepUp: true }, (_, ctx) => ({
      ...ctx.principal,
    }))
  }
  return {
    /** All entries of the server's log. */
    log,
    fetch: (request: Request) => mcp.fetch(request, { platform }),
    request: async (path: string, init?: RequestInit) =>
      mcp.fetch(new Request(new URL(path, 'http://localhost'), init), { platform }),
  }
}

export type AuthApp = ReturnType<typeof createAuthApp>

/** Makes a `tools/call` of 2026, which does not need a session. */
export function toolCall(
  name: string,
  params: Record<string, unknown> = {},
): { headers: Record<string, string>; body: string } {
  const revision = '2026-07-28'
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name,
        arguments: {},
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': revision,
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
        },
      },
    }),
  }
}

/** Calls a tool. `body` is the principal after success. */
export async function call(
  app: Pick<AuthApp, 'request'>,
  authorization?: string,
  {
    path = '/mcp',
    tool = 'whoami',
    headers = {},
  }: { path?: string; tool?: string; headers?: Record<string, string> } = {},
) {
  const message = toolCall(tool)
  const response = await app.request(path, {
    method: 'POST',
    body: message.body,
    headers: {
      ...message.headers,
      ...(authorization === undefined ? {} : { authorization }),
      ...headers,
    },
  })
  const body = await response.json()
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    headers: response.headers,
    body: response.status === 200 ? body.result.structuredContent : body,
  }
}
