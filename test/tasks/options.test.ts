/** What an author may give as `task` is checked when the tool is registered. */
import { expect, it } from 'vitest'
import type { ToolOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'

const register = (options: Partial<ToolOptions>) => {
  const mcp = createMcp({ name: 'options', version: '1' })
  return () => mcp.tool('work', { description: 'Works', ...options } as ToolOptions, () => 1)
}

it.each([{ task: {} }, { task: { ttl: 1, pollEvery: 0, waitFor: 0, version: '' } }])(
  'takes %j',
  (options) => {
    expect(register(options)).not.toThrow()
  },
)

it.each([
  [{ task: { ttl: '1' } }, 'ttl in task of tool "work"'],
  [{ task: { ttl: Number.NaN } }, 'ttl in task of tool "work"'],
  [{ task: { waitFor: -1 } }, 'waitFor in task of tool "work"'],
  [{ task: { version: 1 } }, 'version in task of tool "work"'],
  [{ task: { retries: 1 } }, 'use ttl,pollEvery,waitFor (milliseconds) and version (text)'],
  [{ task: {}, timeout: 1 }, 'has a ttl: leave out timeout'],
])('refuses %j', (options, why) => {
  expect(register(options as Partial<ToolOptions>)).toThrow(why)
})

it('refuses a tool of the name of the result tool', () => {
  const mcp = createMcp({ name: 'options', version: '1' })
  mcp.tool('task_result', { description: 'Another one' }, () => 1)
  expect(() => mcp.tool('work', { description: 'Works', task: {} }, () => 1)).toThrow(
    '"task_result" is registered already',
  )
})
