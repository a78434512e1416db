/** The lines that the server prints at its start: how to connect common clients. */

export interface Connectable {
  /** The address on which the process listens. */
  readonly url: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The version of Node, as in `process.versions.node`. */
  readonly node: string
}

/** The oldest Node that runs the current MCP Inspector. */
const INSPECTOR_NODE = [22, 19] as const

/**
 * Returns commands that work as they are printed, except that `<token>` stands for the token. A secret is
 * not printed, because the output of a server is kept in logs.
 */
export function connectLines({ url, env, node }: Connectable): string {
  // Behind a proxy, clients use the public name, and their tokens are issued for it.
  const address = env.MCP_RESOURCE_URL || url
  const hasToken = env.MCP_AUTH_TOKEN !== undefined && env.MCP_AUTH_TOKEN !== ''
  const usesToken = hasToken && (env.AUTH_METHOD || 'bearer') === 'bearer'
  const header = usesToken ? ' --header "Authorization: Bearer <token>"' : ''
  const server = {
    name: 'streamable-mcp',
    type: 'http',
    url: address,
    ...(usesToken && { headers: { Authorization: 'Bearer <token>' } }),
  }
  return [
    `Claude Code   claude mcp add --transport http streamable-mcp ${address}${header}`,
    `VS Code       code --add-mcp '${JSON.stringify(server)}'`,
    `Inspector     ${inspector(node)} --transport http --server-url ${address}${header}`,
    `Terminal      ${usesToken ? 'ACCESS_TOKEN=<token> ' : ''}npx streamable-mcp --url ${address}`,
  ].join('\n')
}

/**
 * With an older Node, npx also downloads a newer Node to run the inspector. It needs `@latest`, because
 * npx chooses by the Node at hand, and would take an old inspector that does not know these options.
 */
function inspector(node: string): string {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const [wantedMajor, wantedMinor] = INSPECTOR_NODE
  const runs = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
  return runs
    ? 'npx @modelcontextprotocol/inspector'
    : 'npx --package=node@24 --package=@modelcontextprotocol/inspector@latest mcp-inspector'
}
