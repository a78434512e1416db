/** Properties of headers that repeat the body. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkMethodHeaders } from '../../src/http/headers.ts'
import { McpError } from '../../src/protocol/errors.ts'
import { createBehaviourServer } from '../support/behaviour-server.ts'
import { unicode } from '../support/random-text.ts'
import { fetchEndpoint, headerValue, ModernClient } from '../support/wire.ts'

describe('a name in a header', () => {
  /** Decodes a header by the rules of A.2; undefined for a malformed one. */
  function reading(header: string): string | undefined {
    const [, encoded] = /^=\?base64\?(.*)\?=$/.exec(header) ?? []
    if (encoded === undefined) return header
    const bytes = Buffer.from(encoded, 'base64')
    if (bytes.toString('base64') !== encoded) return undefined
    const text = bytes.toString('utf8')
    return Buffer.from(text).equals(bytes) ? text : undefined
  }
  const agrees = (header: string, name: string): boolean => {
    const headers = new Headers({ 'mcp-method': 'prompts/get', 'mcp-name': header })
    try {
      checkMethodHeaders(headers, 'prompts/get', { name })
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(McpError)
      expect(error).toMatchObject({ code: -32020 })
      return false
    }
  }

  it('matches the name from which it was made', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          unicode,
          fc.string(),
          fc.string().map((text) => `=?base64?${text}?=`),
        ),
        (name) => {
          expect(agrees(headerValue(name), name)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('does not match another name', () => {
    const base64 = fc.oneof(
      fc.base64String(),
      fc.string({ unit: fc.constantFrom('A', 'b', '+', '/', '=', '?', '-') }),
    )
    const header = fc.oneof(
      base64.map((text) => `=?base64?${text}?=`),
      fc.stringMatching(/^[\x21-\x7e]{1,12}$/),
    )
    fc.assert(
      fc.property(header, fc.option(fc.string()), (text, other) => {
        const said = reading(text)
        if (said !== undefined) expect(agrees(text, said)).toBe(true)
        const name = other ?? text
        expect(agrees(text, name)).toBe(said === name)
      }),
      { numRuns: 500 },
    )
  })

  it('carries any argument of a tool', async () => {
    const client = new ModernClient(fetchEndpoint(createBehaviourServer()))
    await fc.assert(
      fc.asyncProperty(unicode, async (city) => {
        const headers = { 'mcp-param-city': headerValue(city) }
        const reply = await client.call('locate', { place: { city } }, { headers })
        expect((await reply.result()).structuredContent).toEqual({ place: { city } })
      }),
      { numRuns: 100 },
    )
  })
})

it('a header with base64 of other bytes than UTF-8 is refused (C13)', () => {
  const headers = new Headers({ 'mcp-method': 'prompts/get', 'mcp-name': '=?base64?/w==?=' })
  const check = () => checkMethodHeaders(headers, 'prompts/get', { name: '\ufffd' })
  expect(check).toThrow('not valid UTF-8')
})
