/** The checks of Host and Origin (B2, B3). */
import { expect, it } from 'vitest'
import { createHostOrigin } from '../../src/http/host-origin.ts'

function statusOf(host: string, check: ReturnType<typeof createHostOrigin>): number | undefined {
  const request = new Request('http://localhost/mcp', { headers: { host } })
  return check.refusal(request, null, {})?.status
}

it('a Host is refused each time, before and after an allowed one', () => {
  const check = createHostOrigin()
  expect(statusOf('evil.example', check)).toBe(403)
  expect(statusOf('evil.example', check)).toBe(403)
  expect(statusOf('localhost:3000', check)).toBeUndefined()
  expect(statusOf('evil.example', check)).toBe(403)
  expect(statusOf('evil.example', check)).toBe(403)
  expect(statusOf('localhost:3000', check)).toBeUndefined()
})

it.each([
  ['mcp.example.com', 'mcp.example.com', undefined],
  ['MCP.example.com:8443', 'mcp.example.com', undefined],
  ['mcp.example.com:8443', 'mcp.example.com:8443', undefined],
  ['mcp.example.com:8444', 'mcp.example.com:8443', 403],
  ['other.example.com', 'mcp.example.com', 403],
  ['other.example.com', '*', undefined],
])('the Host %s, where %s is allowed: %s', (host, allowed, status) => {
  expect(statusOf(host, createHostOrigin({ allowedHosts: [allowed] }))).toBe(status)
})

it('a Host is not checked where the platform knows its public URL', () => {
  const request = new Request('http://localhost/mcp', { headers: { host: 'internal.example' } })
  const platform = { baseUrl: 'https://mcp.example.com' }
  expect(createHostOrigin().refusal(request, null, platform)).toBeUndefined()
})
