/** A server whose handlers do everything that a handler should not do. */
import * as v from 'valibot'
import type { LogEntry, Mcp, McpOptions } from '../../src/index.ts'
import { createMcp, McpError } from '../../src/index.ts'

/** A secret in exceptions, which must never leave the process. */
export const SECRET = 'hunter2'

class Unspeakable extends Error {
  override get message(): string {
    throw new Error(`${SECRET}: no message`)
  }
  override get stack(): string {
    throw new Error(`${SECRET}: no stack`)
  }
}

function cycle(): object {
  const one: Record<string, unknown> = { secret: SECRET }
  one.self = one
  return one
}

const bad: Record<string, (ctx: { log: { info(data: unknown): void } }) => unknown> = {
  throws: () => {
    throw new Error(SECRET)
  },
  throws_string: () => {
    throw SECRET
  },
  throws_null: () => {
    throw null
  },
  throws_undefined: () => {
    throw undefined
  },
  throws_symbol: () => {
    throw Symbol(SECRET)
  },
  throws_bare_object: () => {
    throw Object.create(null)
  },
  throws_unspeakable: () => {
    throw new Unspeakable()
  },
  rejects: async () => {
    throw new Error(SECRET)
  },
  returns_bigint_inside: () => ({ n: 1n }),
  returns_cycle: cycle,
  returns_cycle_later: async () => cycle(),
  returns_result_with_cycle: () => ({ content: [], structuredContent: cycle() }),
  returns_function: () => () => SECRET,
  returns_symbol: () => Symbol(SECRET),
  returns_throwing_json: () => ({
    toJSON() {
      throw new Error(SECRET)
    },
  }),
  returns_json_of_nothing: () => ({ toJSON: () => undefined }),
  logs_cycle: ({ log }) => log.info(cycle()),
}

/** Tools that fail with exceptions of all kinds. */
export const FAILING = Object.keys(bad)

export function createHostileServer(options: Partial<McpOptions> = {}): {
  mcp: Mcp
  log: LogEntry[]
} {
  const log: LogEntry[] = []
  const mcp = createMcp({
    name: 'hostile',
    version: '1',
    log: (entry) => log.push(entry),
    ...options,
  })
  for (const [name, handler] of Object.entries(bad)) {
    mcp.tool(name, { description: name }, (_, ctx) => handler(ctx) as object)
  }
  mcp.tool(
    'echo',
    { description: 'Echo', input: v.object({ text: v.string() }) },
    ({ text }) => text,
  )
  mcp.tool('returns_undefined', { description: 'Nothing' }, () => undefined)
  mcp.tool('returns_bigint', { description: 'Big' }, () => 2n ** 64n)
  mcp.tool('returns_nan', { description: 'No number' }, () => Number.NaN)
  mcp.tool('never_returns', { description: 'Hangs', timeout: 60 }, () => new Promise(() => {}))
  mcp.tool('throws_protocol', { description: 'Speaks JSON-RPC' }, () => {
    throw new McpError(-32050, 'as it is', { detail: 1 })
  })
  mcp.tool(
    'nested',
    {
      description: 'Deep arguments',
      input: v.object({
        user: v.object({ tags: v.array(v.string()), age: v.pipe(v.number(), v.integer()) }),
      }),
    },
    () => 'fits',
  )
  mcp.tool(
    'plain_nested',
    {
      description: 'Deep arguments, by JSON Schema',
      input: {
        type: 'object',
        properties: {
          user: {
            type: 'object',
            properties: { tags: { type: 'array', items: { type: 'string' } } },
          },
        },
        required: ['user'],
        additionalProperties: false,
      },
    },
    (args) => JSON.stringify(Object.keys(args)),
  )
  // A tool may have a name that every object inherits.
  mcp.tool('hasOwnProperty', { description: 'Just a name' }, () => 'a tool')
  mcp.prompt('toString', { description: 'Just a name' }, () => 'a prompt')
  mcp.prompt('throws', { description: 'Throws' }, () => {
    throw new Error(SECRET)
  })
  mcp.resource('test://cycle', { name: 'cycle' }, cycle)
  mcp.resource('test://throws', { name: 'throws' }, () => {
    throw new Error(SECRET)
  })
  return { mcp, log }
}
