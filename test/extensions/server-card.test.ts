/** The server card and its catalog (SEP-2127): public documents, whatever protects the endpoint. */
import { describe, expect, it } from 'vitest'
import type { McpOptions } from '../../src/index.ts'
import { bearer, createMcp, serverCard } from '../../src/index.ts'

const name = 'com.example/weather'
const url = 'https://example.com/mcp'

function server(options: Partial<McpOptions> = {}) {
  const info = { name: 'weather', version: '1.2.0', title: 'Weather', description: 'Forecasts' }
  return createMcp({ ...info, ...options })
}

const get = (mcp: ReturnType<typeof server>, path: string, init?: RequestInit) =>
  mcp.fetch(new Request(`https://example.com${path}`, init))

describe('the server card', () => {
  it('is served beside the endpoint to everybody, and tells what the server tells', async () => {
    const auth = bearer({ tokens: [{ token: 'a'.repeat(32) }] })
    const mcp = server({ auth, allowedHosts: ['example.com'] })
    serverCard(mcp, { name, url, repository: { url: 'https://git.example.com/w', source: 'git' } })
    const response = await get(mcp, '/mcp/server-card')
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/mcp-server-card+json',
      'access-control-allow-origin': '*',
      'cache-control': 'public, max-age=3600',
    })
    expect(await response.json()).toEqual({
      $schema: 'https://static.modelcontextprotocol.io/schemas/v2/server-card.schema.json',
      name,
      version: '1.2.0',
      title: 'Weather',
      description: 'Forecasts',
      repository: { url: 'https://git.example.com/w', source: 'git' },
      remotes: [
        {
          type: 'streamable-http',
          url,
          supportedProtocolVersions: ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'],
        },
      ],
    })
    expect((await get(mcp, '/mcp')).status).toBe(401)
  })

  it('is listed in the catalog of the domain, unless that is turned off', async () => {
    const mcp = server()
    serverCard(mcp, { name, url, maxAge: 60 })
    const response = await get(mcp, '/.well-known/ai-catalog.json')
    expect(response.headers.get('content-type')).toBe('application/ai-catalog+json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=60')
    expect(await response.json()).toEqual({
      specVersion: '0.9',
      entries: [
        {
          identifier: 'urn:air:example.com:weather',
          displayName: 'Weather',
          type: 'application/mcp-server-card+json',
          url: 'https://example.com/mcp/server-card',
        },
      ],
    })
    const without = server()
    serverCard(without, { name, url, catalog: false })
    expect((await get(without, '/.well-known/ai-catalog.json')).status).toBe(404)
    expect((await get(server(), '/mcp/server-card')).status).toBe(404)
  })

  it('answers the preflight of a page, and serves a stage prefix under the path of the app', async () => {
    const mcp = server()
    serverCard(mcp, { name, url: 'https://example.com/prod/mcp', path: '/mcp' })
    const preflight = await get(mcp, '/mcp/server-card', { method: 'OPTIONS' })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    const { remotes } = await (await get(mcp, '/mcp/server-card')).json()
    expect(remotes[0].url).toBe('https://example.com/prod/mcp')
  })

  it('is refused without a reversed domain name, a short description or a URL', () => {
    const refused = (options: Partial<Parameters<typeof serverCard>[1]>) => () =>
      serverCard(server(), { name, url, ...options })
    expect(refused({ name: 'weather' })).toThrow('com.example/weather')
    expect(refused({ description: 'x'.repeat(101) })).toThrow('description')
    expect(() => serverCard(server({ description: '' }), { name, url })).toThrow('description')
    expect(refused({ url: 'example.com/mcp' })).toThrow('public URL')
  })
})
