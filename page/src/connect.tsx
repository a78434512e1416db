/** How to connect common clients, with commands to copy and links that open them. */
import { Copy } from './copy.tsx'
import { asciiJson, plainName, shellWord } from './quote.ts'
import { ENDPOINT } from './session.ts'

interface ConnectProps {
  readonly name: string
  /** Whether the server takes a token that was configured, which clients have to send. */
  readonly isStatic: boolean
  readonly protection: string
}

export function Connect({ name: given, isStatic, protection }: ConnectProps) {
  const name = plainName(given)
  const header = isStatic ? ' --header "Authorization: Bearer <token>"' : ''
  const headers = isStatic ? { headers: { Authorization: 'Bearer <token>' } } : {}
  const config = { type: 'http', url: ENDPOINT, ...headers }
  const cursor = btoa(asciiJson({ url: ENDPOINT, ...headers }))
  const isLocal = /^http:/.test(ENDPOINT)
  const url = shellWord(ENDPOINT)
  return (
    <section aria-labelledby="connect">
      <h2 id="connect">Connect</h2>
      <p>{protection}</p>
      <p class="links">
        <a
          class="button"
          href={`vscode:mcp/install?${encodeURIComponent(asciiJson({ name, ...config }))}`}
        >
          Add to VS Code
        </a>
        <a
          class="button"
          href={`cursor://anysphere.cursor-deeplink/mcp/install?name=${encodeURIComponent(name)}&config=${encodeURIComponent(cursor)}`}
        >
          Add to Cursor
        </a>
        <a
          class="button"
          href="https://claude.ai/settings/connectors"
          target="_blank"
          rel="noopener noreferrer"
        >
          Open the connectors of Claude
        </a>
      </p>
      <Copy label="URL" text={ENDPOINT} />
      <Copy label="Claude Code" text={`claude mcp add --transport http ${name} ${url}${header}`} />
      <p class="hint">
        Claude on the web and on the desktop: Settings, Connectors, Add custom connector, with the
        URL above.{isLocal && ' It needs https, so a local server cannot be added there.'}
      </p>
      <Copy label="VS Code" text={`code --add-mcp ${shellWord(asciiJson({ name, ...config }))}`} />
      <Copy
        label="Cursor, in ~/.cursor/mcp.json"
        text={asciiJson({ mcpServers: { [name]: { url: ENDPOINT, ...headers } } }, 2)}
      />
      <Copy
        label="MCP Inspector"
        text={`npx @modelcontextprotocol/inspector --transport http --server-url ${url}${header}`}
      />
      <Copy
        label="Command line"
        text={`${isStatic ? 'ACCESS_TOKEN=<token> ' : ''}npx streamable-mcp --url ${url}`}
      />
    </section>
  )
}
