/** The stack trace of an exception in a tool has few frames of the library, each with a name. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogEntry, Mcp } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const MOST_FRAMES = 12

describe('the stack trace of a tool that throws', () => {
  const limit = Error.stackTraceLimit
  let mcp: Mcp
  let entries: LogEntry[]

  beforeEach(() => {
    Error.stackTraceLimit = 100
    entries = []
    mcp = createMcp({ name: 'stack', version: '1.0.0', log: (entry) => entries.push(entry) })
    mcp.tool('now', { description: 'Throws at once' }, () => {
      throw new Error('at once')
    })
    mcp.tool('later', { description: 'Throws after a promise' }, async () => {
      await Promise.resolve()
      throw new Error('later')
    })
    mcp.tool('async', { description: 'Throws before its first await' }, async () => {
      throw new Error('async')
    })
  })
  afterEach(async () => {
    Error.stackTraceLimit = limit
    await mcp.close({ grace: 0 })
  })

  it.each(
    (['legacy', 'modern'] as const).flatMap((era) =>
      ['now', 'later', 'async'].map((tool) => ({ era, tool })),
    ),
  )('has at most 12 named frames of src: $tool, $era', async ({ era, tool }) => {
    const endpoint = fetchEndpoint(mcp)
    const client =
      era === 'legacy'
        ? await LegacyClient.open(endpoint, '2025-11-25')
        : new ModernClient(endpoint)
    const result = await (await client.call(tool)).result()
    expect(result).toMatchObject({ isError: true })
    const [failure] = entries.filter(({ level }) => level === 'error')
    const stack = String(failure?.error)
    expect(stack).toContain('stack-trace.test.ts')
    const frames = stack.split('\n').filter((line) => line.includes('/src/'))
    expect(frames.length).toBeGreaterThan(0)
    expect(frames.length).toBeLessThanOrEqual(MOST_FRAMES)
    // A frame without a name has no parentheses: `at file:12:3` instead of `at name (file:12:3)`.
    expect(frames.filter((line) => !/at (async )?[\w.#]+ \(/.test(line))).toEqual([])
  })
})
