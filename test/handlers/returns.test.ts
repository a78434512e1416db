/** Values that a handler returns and that have no JSON: their content or an error, never `{}`. */

import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { LogEntry } from '../../src/index.ts'
import { createMcp, failure } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

async function returned(value: unknown) {
  const entries: LogEntry[] = []
  const log = (entry: LogEntry) => entries.push(entry)
  const mcp = createMcp({ name: 'returns', version: '1', log })
  mcp.tool('give', { description: 'Returns a value' }, () => value as object)
  mcp.resource('data:value', { name: 'value' }, () => value as object)
  const endpoint = fetchEndpoint(mcp)
  const modern = new ModernClient(endpoint)
  const legacy = await LegacyClient.open(endpoint, '2025-11-25')
  const results = [
    await (await modern.call('give')).result(),
    await (await legacy.call('give')).result(),
  ]
  const read = await (await legacy.request('resources/read', { uri: 'data:value' })).rest()
  return { results, read: read.at(-1), errors: entries.filter(({ level }) => level === 'error') }
}

describe('a returned value without JSON', () => {
  it.each<[string, unknown]>([
    ['Map', new Map([['a', 1]])],
    ['Set', new Set([1])],
    ['Blob', new Blob(['text'])],
    ['Response', new Response('text')],
    ['Headers', new Headers({ a: 'b' })],
    ['RegExp', /a/],
    ['Map', { found: [new Map([['a', 1]])] }],
    ['Set', { empty: {}, tags: new Set(['a']) }],
    ['Error', { error: new Error('password=hunter2') }],
  ])('is an error that tells the author of a %s', async (name, value) => {
    const { results, read, errors } = await returned(value)
    for (const result of results) {
      expect(result).toMatchObject({ isError: true })
      expect(JSON.stringify(result.content)).toContain('Internal error')
    }
    expect(read).toMatchObject({ error: { code: -32603 } })
    expect(errors).toHaveLength(3)
    expect(errors[0]?.error).toContain(`A ${name} has no JSON: return what it holds`)
  })

  it('is not an object whose members are empty, have an own JSON, or say {}', async () => {
    const value = {
      none: {},
      list: [],
      text: '{}',
      at: new Date(0),
      url: new URL('https://a.example/'),
    }
    const { results } = await returned(value)
    for (const result of results) {
      expect(result.structuredContent).toEqual(JSON.parse(JSON.stringify(value)))
    }
  })

  it.each([[{}], [Object.create(null)]])('is not an empty object', async (value) => {
    const { results } = await returned(value)
    for (const result of results) expect(result).toMatchObject({ structuredContent: {} })
  })
})

it('a returned ArrayBuffer is its bytes', async () => {
  const { results, read } = await returned(new TextEncoder().encode('%PDF-').buffer)
  for (const { content } of results) {
    expect(content).toMatchObject([
      { resource: { blob: btoa('%PDF-'), mimeType: 'application/pdf' } },
    ])
  }
  expect(read).toMatchObject({ result: { contents: [{ blob: btoa('%PDF-') }] } })
})

it('a returned Error counts as thrown, and its message is only in the log', async () => {
  const { results, read, errors } = await returned(new Error('password=hunter2'))
  for (const result of results) expect(result).toMatchObject({ isError: true })
  expect(JSON.stringify([results, read])).not.toContain('hunter2')
  expect(errors).toHaveLength(3)
  expect(errors[0]?.error).toContain('hunter2')
})

it('a returned failure is for the model to read', async () => {
  const { results, read } = await returned(failure('No such city'))
  for (const result of results) {
    expect(result).toMatchObject({ isError: true, content: [{ text: 'No such city' }] })
  }
  expect(read).toMatchObject({ error: { message: 'No such city' } })
})

it('a returned value is checked once, also by a schema that needs time', async () => {
  let checks = 0
  const output = z.object({ a: z.number() }).refine(async ({ a }) => {
    checks += 1
    return a > 0
  })
  const mcp = createMcp({ name: 'checked', version: '1', log: () => {} })
  for (const [name, handler] of [
    ['now', () => ({ a: 1 })],
    ['later', async () => ({ a: 1 })],
    ['wrong', () => ({ a: -1 })],
  ] as const) {
    mcp.tool(name, { description: 'Returns', output }, handler)
  }
  const client = new ModernClient(fetchEndpoint(mcp))
  for (const [name, isError] of [
    ['now', undefined],
    ['later', undefined],
    ['wrong', true],
  ] as const) {
    checks = 0
    expect((await (await client.call(name)).result()).isError).toBe(isError)
    // Zod itself checks twice: it tries without waiting first.
    expect(checks).toBe(2)
  }
})
