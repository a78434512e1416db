/** The commands that the reference server prints at its start. */
import { expect, it } from 'vitest'
import { connectLines } from '../../reference/connect-lines.ts'

const url = 'http://127.0.0.1:3000/mcp'
const lines = (env: Record<string, string>, node = '24.0.0') =>
  connectLines({ url, env, node }).split('\n')

it('prints commands without a header if the server needs no token', () => {
  expect(lines({})).toEqual([
    `Claude Code   claude mcp add --transport http streamable-mcp ${url}`,
    `VS Code       code --add-mcp '{"name":"streamable-mcp","type":"http","url":"${url}"}'`,
    `Inspector     npx @modelcontextprotocol/inspector --transport http --server-url ${url}`,
    `Terminal      npx streamable-mcp --url ${url}`,
  ])
})

it('prints a header if the server needs a token, and never the token', () => {
  const printed = lines({ MCP_AUTH_TOKEN: 'hunter2' })
  expect(printed[0]).toContain('--header "Authorization: Bearer <token>"')
  expect(printed[1]).toContain('"headers":{"Authorization":"Bearer <token>"}')
  expect(printed[2]).toContain('--header "Authorization: Bearer <token>"')
  expect(printed[3]).toContain('ACCESS_TOKEN=<token> npx streamable-mcp')
  expect(printed.join('\n')).not.toContain('hunter2')
  expect(lines({ MCP_AUTH_TOKEN: 'hunter2', AUTH_METHOD: 'none' }).join()).not.toContain('<token>')
  expect(lines({ MCP_AUTH_TOKEN: '' }).join()).not.toContain('<token>')
})

it('uses the public name of the server', () => {
  const printed = lines({ MCP_RESOURCE_URL: 'https://mcp.example.com/mcp' })
  for (const line of printed) {
    expect(line).toContain('https://mcp.example.com/mcp')
    expect(line).not.toContain(url)
  }
})

it.each([
  [
    '20.20.2',
    'npx --package=node@24 --package=@modelcontextprotocol/inspector@latest mcp-inspector',
  ],
  [
    '22.18.0',
    'npx --package=node@24 --package=@modelcontextprotocol/inspector@latest mcp-inspector',
  ],
  ['22.19.0', 'npx @modelcontextprotocol/inspector'],
])('names an inspector that runs on Node %s', (node, command) => {
  expect(lines({}, node)[2]).toContain(`Inspector     ${command} --transport`)
})
