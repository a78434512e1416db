/** Extensions of one's own: what is announced, which methods are answered, and what is refused at registration. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { PROTOCOL_METHODS } from '../../src/extensions/extension.ts'
import type { Mcp, Observer } from '../../src/index.ts'
import { createMcp, extension, McpError } from '../../src/index.ts'
import { METHODS } from '../../src/protocol/methods.ts'
import { addExtensions } from '../support/extension-fixtures.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

function notes() {
  return extension('com.example/notes', {
    settings: { search: true },
    itemMeta: (list, { name }) => (list === 'tools' ? { 'com.example/of': name } : undefined),
  })
    .method('notes/count', { input: v.object({ tag: v.string() }) }, ({ tag }, ctx) => ({
      ...ctx.caching,
      tag,
      revision: ctx.request.revision,
    }))
    .method('notes/fail', {}, ({ how }) => {
      if (how === 'error') throw new McpError(-32602, 'no such note')
      if (how === 'value') return 'no object' as never
      throw new Error('a secret of the server')
    })
}

function server(extend: (mcp: Mcp) => void = (mcp) => void mcp.extend(notes())): Mcp {
  const mcp = createMcp({ name: 'extended', version: '1.0.0', log: () => {} })
  mcp.tool('plain', { description: 'A tool' }, () => 'plain')
  mcp.tool('own', { description: 'A tool', _meta: { 'com.example/of': 'me' } }, () => 'own')
  extend(mcp)
  return mcp
}

const clients = async (mcp: Mcp) => [
  await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25'),
  new ModernClient(fetchEndpoint(mcp)),
]

const announced = { 'com.example/notes': { search: true } }

describe('an extension', () => {
  it('is announced in server/discover and in the 2025-11-25 handshake, and not in older ones', async () => {
    const endpoint = fetchEndpoint(server())
    const { server: handshake } = await LegacyClient.open(endpoint, '2025-11-25')
    expect(handshake.capabilities.extensions).toEqual(announced)
    const { server: older } = await LegacyClient.open(endpoint, '2025-06-18')
    expect(older.capabilities).not.toHaveProperty('extensions')
    const discovered = await (await new ModernClient(endpoint).request('server/discover')).result()
    expect(discovered.capabilities.extensions).toEqual(announced)
  })

  it('leaves a server without extensions as it was', async () => {
    const endpoint = fetchEndpoint(server(() => {}))
    const { server: handshake } = await LegacyClient.open(endpoint, '2025-11-25')
    expect(handshake.capabilities).not.toHaveProperty('extensions')
    const modern = new ModernClient(endpoint)
    const discovered = await (await modern.request('server/discover')).result()
    expect(discovered.capabilities.extensions).toEqual({})
    const reply = await modern.request('notes/count', { tag: 'a' })
    expect(reply.status).toBe(404)
    expect((await reply.answer()).error?.code).toBe(-32601)
  })

  it('has its methods answered in both eras, with the members that each era knows', async () => {
    const [legacy, modern] = await clients(server())
    const params = { tag: 'a', _meta: { 'com.example/x': 1 } }
    expect(await (await legacy?.request('notes/count', params))?.result()).toEqual({
      tag: 'a',
      revision: '2025-11-25',
    })
    expect(await (await modern?.request('notes/count', params))?.result()).toEqual({
      resultType: 'complete',
      ttlMs: 60_000,
      cacheScope: 'private',
      tag: 'a',
      revision: '2026-07-28',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'extended', version: '1.0.0' } },
    })
  })

  it('has params that do not match its schema refused, and hides what it threw', async () => {
    for (const client of await clients(server())) {
      const error = async (method: string, params: Record<string, unknown>) =>
        (await (await client.request(method, params)).answer()).error
      expect(await error('notes/count', { tag: 1 })).toMatchObject({ code: -32602 })
      expect(await error('notes/fail', { how: 'error' })).toEqual({
        code: -32602,
        message: 'no such note',
      })
      for (const how of ['exception', 'value']) {
        const { code, message = '' } = (await error('notes/fail', { how })) ?? {}
        expect(code).toBe(-32603)
        expect(message).toMatch(/^Internal error \([0-9a-f]{8}\)$/)
      }
      expect(await error('notes/unknown', {})).toMatchObject({ code: -32601 })
    }
  })

  it('exists only in its revisions', async () => {
    const late = extension('com.example/late', { revisions: ['2026-07-28'] })
    late.method('late/now', {}, () => ({ now: 1 }))
    const [legacy, modern] = await clients(server((mcp) => void mcp.extend(late)))
    expect((await (await legacy?.request('late/now'))?.answer())?.error?.code).toBe(-32601)
    expect(await (await modern?.request('late/now'))?.result()).toMatchObject({ now: 1 })
    expect((legacy as LegacyClient).server.capabilities).not.toHaveProperty('extensions')
  })

  it('adds metadata to the items of lists, where the own metadata of an item wins', async () => {
    for (const client of await clients(server())) {
      const { tools } = await (await client.request('tools/list')).result()
      expect(tools.map(({ _meta }: { _meta: object }) => _meta)).toEqual([
        { 'com.example/of': 'plain' },
        { 'com.example/of': 'me' },
      ])
    }
    const older = await LegacyClient.open(fetchEndpoint(server()), '2025-06-18')
    const { tools } = await (await older.request('tools/list')).result()
    expect(tools[0]).not.toHaveProperty('_meta')
  })

  it('can be removed, which changes what is announced and listed', async () => {
    let added: { remove(): void } | undefined
    const mcp = server((one) => {
      added = one.extend(notes())
    })
    const modern = new ModernClient(fetchEndpoint(mcp))
    expect((await (await modern.request('tools/list')).result()).tools[0]).toHaveProperty('_meta')
    added?.remove()
    const { tools } = await (await modern.request('tools/list')).result()
    expect(tools[0]).not.toHaveProperty('_meta')
    expect((await (await modern.request('notes/count', { tag: 'a' })).answer()).error?.code).toBe(
      -32601,
    )
  })

  it('is refused when its name, a method or another extension stands against it', () => {
    for (const id of ['notes', 'example/notes', 'com.example/', '.com/notes', 'com.example/a b']) {
      expect(() => extension(id), id).toThrow(TypeError)
    }
    const own = notes()
    for (const name of ['tools/list', 'count', 'notifications/notes', 'notes/count', 'notes/ a']) {
      expect(() => own.method(name, {}, () => ({})), name).toThrow(TypeError)
    }
    const mcp = server()
    expect(() => mcp.extend(notes())).toThrow('belongs to another extension already')
    expect(() => mcp.extend(extension('com.example/notes'))).toThrow('registered already')
    const same = extension('com.example/same')
    mcp.extend(same)
    expect(() => mcp.extend(same)).not.toThrow()
  })

  it("passes the suite's scenario server-legacy-extensions", async () => {
    const mcp = createMcp({ name: 'extended', version: '1.0.0' })
    addExtensions(mcp)
    const extensions = {
      'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] },
      'com.example/conformance': { nested: { enabled: false, limit: 0 }, values: ['a', 2, null] },
      'com.example/empty': {},
    }
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', {
      capabilities: { extensions },
    })
    expect(client.server.capabilities.extensions).toMatchObject({
      'io.modelcontextprotocol/ui': {},
      'com.example/conformance': {
        nested: { enabled: true, limit: 3 },
        values: [null, 'b', 4],
      },
      'com.example/empty': {},
    })
    const { content } = await (await client.call('test_legacy_extension_capabilities')).result()
    expect(JSON.parse(content[0].text)).toEqual({ extensions })
  })

  it('knows all methods of the protocol', () => {
    const others = ['initialize', 'subscriptions/listen']
    expect([...PROTOCOL_METHODS].sort()).toEqual([...METHODS.keys(), ...others].sort())
  })

  it('is told to observers by the names of its methods', async () => {
    const told: unknown[] = []
    const observer: Observer = { request: ({ method }) => void told.push(method) }
    const mcp = createMcp({ name: 'extended', version: '1.0.0', observer })
    mcp.extend(notes())
    const modern = new ModernClient(fetchEndpoint(mcp))
    await (await modern.request('notes/count', { tag: 'a' })).rest()
    await (await modern.request('notes/other', {})).rest()
    expect(told).toEqual(['notes/count', '_OTHER'])
  })
})
