/** MCP Apps: the page as a resource, and its tools in lists (SEP-1865, revision 2026-01-26). */
import { describe, expect, it } from 'vitest'
import type { Mcp } from '../../src/index.ts'
import { app, createMcp, image, showsApps, text } from '../../src/index.ts'
import { PNG } from '../support/media.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const html = '<!doctype html><title>Chart</title>'
const csp = {
  connectDomains: ['https://api.example.com'],
  resourceDomains: ['https://*.example.com'],
}
const ui = { csp, prefersBorder: true }

function server(): Mcp {
  const mcp = createMcp({ name: 'apps', version: '1.0.0' })
  const chart = app(mcp, 'weather/chart', { html: async () => html, title: 'Chart', ...ui })
  mcp.tool('forecast', { description: 'Forecast', ui: chart, _meta: { own: 1 } }, (_, ctx) =>
    showsApps(ctx) ? text('sunny') : [text('sunny'), image(PNG)],
  )
  const refresh = chart.visibleTo('app')
  mcp.tool('refresh', { description: 'Newer data', ui: refresh }, () => 'newer')
  const hidden = { ui: refresh, visible: showsApps }
  mcp.tool('hidden', { description: 'Of the page', ...hidden }, () => 'hidden')
  const plain = app(mcp, 'plain', { html })
  mcp.tool('plain', { description: 'Plain', ui: plain }, () => 'plain')
  return mcp
}

const mimeTypes = ['text/html;profile=mcp-app']
const withApps = { capabilities: { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes } } } }

describe.each(['legacy', 'modern'])('a page of tools, for a client of the %s era', (era) => {
  const open = (options = {}) => {
    const endpoint = fetchEndpoint(server())
    return era === 'legacy'
      ? LegacyClient.open(endpoint, '2025-11-25', options)
      : new ModernClient(endpoint, options)
  }

  it('is announced, and named by its tools', async () => {
    const client = await open()
    const told =
      client instanceof LegacyClient
        ? client.server
        : await (await client.request('server/discover')).result()
    expect(told.capabilities.extensions).toEqual({ 'io.modelcontextprotocol/ui': {} })
    const { tools } = await (await client.request('tools/list')).result()
    const resourceUri = 'ui://weather/chart'
    expect(tools.map(({ _meta }: { _meta: object }) => _meta)).toEqual([
      { ui: { resourceUri }, 'ui/resourceUri': resourceUri, own: 1 },
      { ui: { resourceUri, visibility: ['app'] }, 'ui/resourceUri': resourceUri },
      { ui: { resourceUri: 'ui://plain' }, 'ui/resourceUri': 'ui://plain' },
    ])
  })

  it('is read with its content security policy, which the list tells too', async () => {
    const client = await open()
    const { resources } = await (await client.request('resources/list')).result()
    expect(resources).toEqual([
      {
        uri: 'ui://weather/chart',
        name: 'weather/chart',
        title: 'Chart',
        mimeType: mimeTypes[0],
        _meta: { ui },
      },
      { uri: 'ui://plain', name: 'plain', mimeType: mimeTypes[0] },
    ])
    const read = async (uri: string) =>
      (await (await client.request('resources/read', { uri })).result()).contents
    const page = { mimeType: mimeTypes[0], text: html }
    expect(await read('ui://weather/chart')).toEqual([
      { uri: 'ui://weather/chart', ...page, _meta: { ui } },
    ])
    expect(await read('ui://plain')).toEqual([{ uri: 'ui://plain', ...page }])
  })

  it('leaves a client without apps the whole result', async () => {
    const types = async (options: object) => {
      const { content } = await (await (await open(options)).call('forecast')).result()
      return content.map(({ type }: { type: string }) => type)
    }
    expect(await types({})).toEqual(['text', 'image'])
    const ofOther = { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/other'] } } }
    expect(await types({ capabilities: ofOther })).toEqual(['text', 'image'])
    expect(await types(withApps)).toEqual(['text'])
  })

  it('hides a tool of the page alone from a client without apps', async () => {
    const names = async (options: object) => {
      const { tools } = await (await (await open(options)).request('tools/list')).result()
      return tools.map(({ name }: { name: string }) => name)
    }
    expect(await names({})).toEqual(['forecast', 'refresh', 'plain'])
    expect(await names(withApps)).toEqual(['forecast', 'refresh', 'hidden', 'plain'])
  })
})

describe('app()', () => {
  it('hides a page from the callers for whom it does not exist', async () => {
    const mcp = createMcp({ name: 'apps', version: '1.0.0' })
    app(mcp, 'open', { html })
    app(mcp, 'secret', { html, visible: () => false })
    const client = new ModernClient(fetchEndpoint(mcp))
    const { resources } = await (await client.request('resources/list')).result()
    expect(resources).toMatchObject([{ uri: 'ui://open' }])
    const { error } = await (
      await client.request('resources/read', { uri: 'ui://secret' })
    ).answer()
    expect(error).toMatchObject({ code: -32602 })
  })

  it('refuses a bad name, a missing document, and what is not an origin', () => {
    const mcp = server()
    for (const name of ['', 'a b', '../a', 'a//b', 'a{b}']) {
      expect(() => app(mcp, name, { html }), name).toThrow(TypeError)
    }
    expect(() => app(mcp, 'empty', { html: '' })).toThrow('needs html')
    for (const origin of [
      'example.com',
      'https://example.com/path',
      'https://example.com; script-src *',
      "'unsafe-eval'",
      '*',
      'https://*',
      'data:',
    ]) {
      const options = { html, csp: { resourceDomains: [origin] } }
      expect(() => app(mcp, 'wide', options), origin).toThrow('not an origin')
    }
    expect(() => app(mcp, 'plain', { html })).toThrow('registered already')
  })
})
