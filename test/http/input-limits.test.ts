/** Input that is designed to cause much work. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { openServer } from '../support/open-server.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

describe('input of any size', () => {
  it('is refused as a batch of 10,000 messages before any of them runs', async () => {
    const { endpoint } = openServer()
    const client = await LegacyClient.open(endpoint, '2025-03-26')
    const cancel = (requestId: number) => ({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId },
    })
    const reply = await client.send(Array.from({ length: 10_000 }, (_, i) => cancel(i)))
    expect(reply.status).toBe(400)
    expect((await client.send(Array.from({ length: 100 }, (_, i) => cancel(i)))).status).toBe(202)
  })

  it.each([
    [8_000, 200],
    [9_000, 400],
  ])('takes capabilities of %i characters with %i', async (length, status) => {
    const { endpoint } = openServer()
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: { experimental: { x: 'x'.repeat(length) } },
      clientInfo: { name: 'wire', version: '1' },
    }
    const response = await endpoint.fetch(endpoint.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    })
    expect(response.status).toBe(status)
  })

  it('keeps little of a client that names itself at length', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool('who', { description: 'Tells the client' }, (_, { request }) =>
      JSON.stringify(request.client),
    )
    const clientInfo = { name: 'n'.repeat(50_000), version: 'v'.repeat(50_000) }
    const send = (body: object, headers = {}) =>
      endpoint.fetch(endpoint.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
      })
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
    const opened = await send({ method: 'initialize', params })
    const session = opened.headers.get('mcp-session-id') ?? ''
    const call = { method: 'tools/call', params: { name: 'who' } }
    const { content } = (await (await send(call, { 'mcp-session-id': session })).json()).result
    expect(content[0].text).toMatch(/^{"name":"nnn.*"version":"vvv/)
    expect(content[0].text.length).toBeLessThan(1_000)
  })

  it('gets a short answer to 20,000 wrong values', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool(
      'sum',
      { description: 'Adds', input: v.object({ of: v.array(v.number()) }) },
      ({ of }) => of.length,
    )
    const of = Array.from({ length: 20_000 }, () => 'x')
    const result = await (await new ModernClient(endpoint).call('sum', { of })).result()
    expect(result.isError).toBe(true)
    expect(result.content[0].text).toMatch(/^Invalid arguments: of.0: /)
    expect(result.content[0].text.length).toBeLessThan(5_000)
  })

  it.each([
    ['x:///{+path}{?q}', `x:///${'?'.repeat(300_000)}#`],
    ['x:///{+a}/{+b}/{+c}', `x:///${'/'.repeat(300_000)}\n`],
    ['x:///{a}{b}{c}', `x:///${'a'.repeat(300_000)}/`],
  ])('costs the template %s little time', async (template, uri) => {
    const { mcp, endpoint } = openServer()
    mcp.resource(template, { name: 'any' }, () => 'found')
    const start = performance.now()
    const { error } = await (
      await new ModernClient(endpoint).request('resources/read', { uri })
    ).answer()
    expect(error?.code).toBe(-32602)
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it('accepts no parent folder in a variable of a URI template (C37)', async () => {
    const { mcp, endpoint } = openServer()
    mcp.resource('file:///{name}', { name: 'file' }, ({ name }) => `read ${name}`)
    mcp.resource('tree:///{+path}', { name: 'tree' }, ({ path }) => `read ${path}`)
    const client = new ModernClient(endpoint)
    const read = async (uri: string) => (await client.request('resources/read', { uri })).answer()
    for (const uri of [
      'file:///..',
      'file:///%2e%2e%2Fetc%2fpasswd',
      'file:///a%5C..%5Cb',
      'tree:///a/../../etc/passwd',
      'tree:///%2e%2e/etc',
    ]) {
      expect((await read(uri)).error?.code, uri).toBe(-32602)
    }
    expect((await read('file:///a..b')).result.contents[0].text).toBe('read a..b')
    expect((await read('tree:///a/b.txt')).result.contents[0].text).toBe('read a/b.txt')
    expect((await read('file:///a%2Fb')).result.contents[0].text).toBe('read a/b')
  })
})
