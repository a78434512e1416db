/** The tools, as the clients of both eras of the protocol call them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'streamable-mcp/testing'
import { createServer } from './server.ts'

for (const era of ['legacy', 'modern'] as const) {
  test(`greets a ${era} client`, async () => {
    const client = await connect(createServer(), { era })
    const { content } = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } })
    assert.deepEqual(content, [{ type: 'text', text: 'Hello, Ada!' }])
    await client.close()
  })
}
