/** The headers of 2026 that repeat the body, and the headers of every reply. */
import { describe, expect, it } from 'vitest'
import { headerValue, LegacyClient, ModernClient } from '../../support/wire.ts'
import type { Suite } from './endpoint.ts'

const MISMATCH = -32020

export function headers({ endpoint }: Suite): void {
  describe('a header that repeats the body', () => {
    const echo = (given: Record<string, string | undefined>) =>
      new ModernClient(endpoint()).call('echo', { text: 'x' }, { headers: given, id: 'mine' })

    it.each<[string, Record<string, string | undefined>]>([
      ['Mcp-Method is missing', { 'mcp-method': undefined }],
      ['Mcp-Method names another method', { 'mcp-method': 'tools/list' }],
      ['Mcp-Method differs in case', { 'mcp-method': 'TOOLS/CALL' }],
      ['Mcp-Name is missing', { 'mcp-name': undefined }],
      ['Mcp-Name is empty', { 'mcp-name': '' }],
      ['Mcp-Name names another tool', { 'mcp-name': 'add' }],
      ['Mcp-Name differs in case', { 'mcp-name': 'Echo' }],
      ['Mcp-Name lacks padding', { 'mcp-name': '=?base64?ZWNobwo?=' }],
      ['Mcp-Name has characters outside base64', { 'mcp-name': '=?base64?ZWNo*m8=?=' }],
      ['Mcp-Name is not UTF-8 inside', { 'mcp-name': '=?base64?/////w==?=' }],
      ['Mcp-Name begins a sentinel only', { 'mcp-name': '=?base64?ZWNobw==' }],
      ['Mcp-Name ends a sentinel only', { 'mcp-name': 'ZWNobw==?=' }],
      ['Mcp-Name spells the sentinel in capitals', { 'mcp-name': '=?BASE64?ZWNobw==?=' }],
    ])('is refused when %s (C9, C12)', async (_, given) => {
      const reply = await echo(given)
      expect(reply.status).toBe(400)
      expect(await reply.answer()).toMatchObject({ id: 'mine', error: { code: MISMATCH } })
    })

    it.each<[string, Record<string, string>]>([
      ['padded with white space', { 'mcp-name': '  echo\t' }],
      ['in base64', { 'mcp-name': '=?base64?ZWNobw==?=' }],
    ])('agrees when it is %s (C12)', async (_, given) => {
      expect((await (await echo(given)).result()).content[0].text).toBe('x')
    })

    it('also repeats the URI of a resource and the name of a prompt', async () => {
      const client = new ModernClient(endpoint())
      const wrong = { headers: { 'mcp-name': 'test://json' } }
      for (const reply of [
        await client.request('resources/read', { uri: 'test://text' }, wrong),
        await client.request('prompts/get', { name: 'plain' }, wrong),
      ]) {
        expect(reply.status).toBe(400)
        expect((await reply.answer()).error?.code).toBe(MISMATCH)
      }
      const uri = 'test://users/Zoë/notes/naïve'
      const read = await client.request('resources/read', { uri })
      expect((await read.result()).contents[0].text).toBe(`Zoë wrote naïve at ${uri}`)
    })

    it('is ignored in a session of 2025', async () => {
      const client = await LegacyClient.open(endpoint(), '2025-11-25')
      const given = { 'mcp-method': 'tools/list', 'mcp-name': 'add' }
      const reply = await client.call('echo', { text: 'x' }, { headers: given })
      expect((await reply.result()).content[0].text).toBe('x')
    })
  })

  describe('a parameter that travels as a header', () => {
    const report = (args: object, given: Record<string, string>) =>
      new ModernClient(endpoint()).call('report', args, { headers: given })

    it.each<[object, Record<string, string>]>([
      [{ days: 42 }, { 'mcp-param-days': '42' }],
      [{ days: 42 }, { 'mcp-param-days': '42.0' }],
      [
        { days: -1, full: false },
        { 'mcp-param-days': '-1', 'Mcp-Param-Full': 'false' },
      ],
      [{ full: true }, { 'MCP-PARAM-FULL': '=?base64?dHJ1ZQ==?=' }],
      [{}, {}],
    ])('%j agrees with %j (C13)', async (args, given) => {
      const { structuredContent } = await (await report(args, given)).result()
      expect(structuredContent).toEqual(args)
    })

    it.each<[object, Record<string, string>]>([
      [{ days: 42 }, {}],
      [{ days: 42 }, { 'mcp-param-days': '41' }],
      [{ days: 42 }, { 'mcp-param-days': '' }],
      [{ days: 42 }, { 'mcp-param-days': 'forty-two' }],
      [{ full: true }, { 'mcp-param-full': 'True' }],
      [{}, { 'mcp-param-days': '42' }],
      [{ full: true }, { 'mcp-param-full': '=?base64?dHJ1ZQ?=' }],
    ])('%j does not agree with %j (C9, C13)', async (args, given) => {
      const reply = await report(args, given)
      expect(reply.status).toBe(400)
      expect((await reply.answer()).error?.code).toBe(MISMATCH)
    })

    it('is found where it is nested, in any script (C12)', async () => {
      const client = new ModernClient(endpoint())
      const args = { place: { city: 'Zürich ☂' } }
      const given = { 'mcp-param-city': headerValue('Zürich ☂') }
      const { structuredContent } = await (
        await client.call('locate', args, { headers: given })
      ).result()
      expect(structuredContent).toEqual(args)
      expect((await client.call('locate', args)).status).toBe(400)
      expect((await client.call('locate', { place: { city: null } })).status).toBe(200)
    })

    it('is declared in the input schema of 2026 and of 2025', async () => {
      const client = new ModernClient(endpoint())
      const { tools } = await (await client.request('tools/list')).result()
      const tool = tools.find(({ name }: { name: string }) => name === 'report')
      expect(tool.inputSchema.properties.days['x-mcp-header']).toBe('Days')
    })
  })
}
