/** The same request as curl, as a command of the client, and as code of the SDK. */
import { Copy } from './copy.tsx'
import type { JsonObject } from './json.ts'
import { paramHeadersOf } from './mcp/lists.ts'
import type { Era } from './mcp/protocol.ts'
import { CLIENT_INFO, headerValue, LEGACY, MODERN } from './mcp/protocol.ts'
import { asciiJson, shellWord } from './quote.ts'
import { ENDPOINT } from './session.ts'
import type { Target } from './target.ts'
import { requestOf } from './target.ts'

interface SnippetProps {
  readonly target: Target
  readonly values: JsonObject
  readonly era: Era
}

export function Snippets(props: SnippetProps) {
  return (
    <details class="snippets">
      <summary>The same as a command or code</summary>
      <Copy label="curl" text={curl(props)} />
      <Copy label="Command line" text={commandLine(props)} />
      <Copy label="TypeScript SDK" text={sdkCode(props)} />
    </details>
  )
}

function curl({ target, values, era }: SnippetProps): string {
  const { method, params } = requestOf(target, values)
  const common = ['Content-Type: application/json', 'Accept: application/json, text/event-stream']
  const command = (headers: readonly string[], message: JsonObject) =>
    [
      `curl ${shellWord(ENDPOINT)}`,
      ...[...common, ...headers].map((header) => `-H ${shellWord(header)}`),
      `--data ${shellWord(asciiJson({ jsonrpc: '2.0', ...message }))}`,
    ].join(' \\\n  ')
  if (era === LEGACY) {
    const opening = {
      protocolVersion: LEGACY,
      capabilities: {},
      clientInfo: { name: 'curl', version: '1.0.0' },
    }
    const session = ['Mcp-Session-Id: SESSION', `MCP-Protocol-Version: ${LEGACY}`]
    return [
      '# The response has the header Mcp-Session-Id, which belongs in the place of SESSION.',
      `${command([], { id: 1, method: 'initialize', params: opening })} -i`,
      command(session, { method: 'notifications/initialized' }),
      command(session, { id: 2, method, params }),
    ].join('\n\n')
  }
  const meta = 'io.modelcontextprotocol/'
  const name = params.name ?? params.uri
  const headers = [
    `MCP-Protocol-Version: ${MODERN}`,
    `Mcp-Method: ${method}`,
    ...(typeof name === 'string' ? [`Mcp-Name: ${headerValue(name)}`] : []),
    ...Object.entries(paramHeadersOf(target.schema, values)).map(
      ([one, value]) => `${one}: ${value}`,
    ),
  ]
  const _meta = {
    [`${meta}protocolVersion`]: MODERN,
    [`${meta}clientInfo`]: { ...CLIENT_INFO, name: 'curl' },
    [`${meta}clientCapabilities`]: {},
  }
  return command(headers, { id: 1, method, params: { ...params, _meta } })
}

function commandLine({ target, values }: SnippetProps): string {
  const { params } = requestOf(target, values)
  const words =
    target.kind === 'tool' || target.kind === 'prompt'
      ? [target.kind === 'tool' ? 'call' : 'prompt', String(params.name), asciiJson(values)]
      : ['read', String(params.uri)]
  return ['npx streamable-mcp', ...words.map(shellWord), '--url', shellWord(ENDPOINT)].join(' ')
}

function sdkCode({ target, values, era }: SnippetProps): string {
  const { method, params } = requestOf(target, values)
  const functions = new Map([
    ['tools/call', 'callTool'],
    ['prompts/get', 'getPrompt'],
  ])
  const mode = era === MODERN ? `{ pin: '${MODERN}' }` : "'legacy'"
  return `import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

const client = new Client(
  { name: 'example', version: '1.0.0' },
  { versionNegotiation: { mode: ${mode} } },
)
await client.connect(new StreamableHTTPClientTransport(new URL(${asciiJson(ENDPOINT)})))
const result = await client.${functions.get(method) ?? 'readResource'}(${asciiJson(params, 2)})
console.log(result)
await client.close()`
}
