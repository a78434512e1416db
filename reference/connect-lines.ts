/** What the server prints at its start: how to connect the usual clients to it. */

export interface Connectable {
  /** The address that the process listens at. */
  readonly url: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** As in `process.versions.node`. */
  readonly node: string
}

/** The first Node on which the inspector of today runs. */
const INSPECTOR_NODE = [22, 19] as const

/**
 * Commands that work as they are printed, except that `<token>` stands for the token: a secret is not
 * printed, because the output of a server ends up in logs.
 */
export function connectLines({ url, env, node }: Connectable): string {
  // Behind a proxy clients connect by the public name, and their tokens are made for it.
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

/** An older Node starts the inspector on a newer one, which npx fetches for it. */
function inspector(node: string): string {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const [wantedMajor, wantedMinor] = INSPECTOR_NODE
  const runs = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
  return runs
    ? 'npx @modelcontextprotocol/inspector'
    : 'npx --package=node@24 --package=@modelcontextprotocol/inspector mcp-inspector'
}
