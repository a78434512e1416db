/** docs/tools.md shows what a wrong definition throws: each message of its table is thrown by the code. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { createMcp } from '../../src/index.ts'

/** JavaScript authors have no compiler that stops them, so the definitions here have no types either. */
interface Untyped {
  tool(...definition: unknown[]): unknown
  prompt(...definition: unknown[]): unknown
  resource(...definition: unknown[]): unknown
}

const description = 'Adds'
const handler = () => 'done'

/** One mistake for each row of the table, in its order. */
const MISTAKES: readonly ((mcp: Untyped) => unknown)[] = [
  (mcp) => mcp.tool('add', { description }),
  (mcp) => mcp.tool('add', { description, inputSchema: {} }, handler),
  (mcp) => mcp.tool('add', {}, handler),
  (mcp) => [mcp.tool('add', { description }, handler), mcp.tool('add', { description }, handler)],
  (mcp) => mcp.tool('add two', { description }, handler),
  (mcp) => mcp.tool('add', { description, input: v.any() }, handler),
  (mcp) => mcp.tool('add', { description, input: v.string() }, handler),
  (mcp) => mcp.prompt('add', { input: v.object({ count: v.number() }) }, handler),
  (mcp) => mcp.prompt('add', { complete: { lang: () => [] } }, handler),
  (mcp) =>
    mcp.tool(
      'add',
      { description, session: true, input: v.object({ session: v.string() }) },
      handler,
    ),
  (mcp) => mcp.tool('add', { description, timeout: 0 }, handler),
  (mcp) => mcp.resource('notes', { name: 'Notes' }, handler),
]

const [, section = ''] =
  /### When a definition is wrong\n(.*?)\n## /s.exec(readFileSync('docs/tools.md', 'utf8')) ?? []
const messages = [...section.matchAll(/^\| [^|]+ \| `(.+)` \|$/gm)].map(([, text = '']) => text)

describe('the messages about wrong definitions in docs/tools.md', () => {
  it('have a mistake each', () => {
    expect(messages).toHaveLength(MISTAKES.length)
  })

  it.each(messages.map((text, i) => [text, i] as const))('%s', (text, i) => {
    const mcp: Untyped = createMcp({ name: 'add', version: '1.0.0' })
    const define = () => MISTAKES[i]?.(mcp)
    expect(define).toThrow(TypeError)
    expect(define).toThrow(text.replace(/…$/, ''))
  })
})
