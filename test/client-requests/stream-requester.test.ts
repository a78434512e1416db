/** Questions of 2025 and the messages that a client gets about them. */

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { openServer } from '../support/open-server.ts'
import { LegacyClient } from '../support/wire.ts'

async function ask(options: { answerTimeout?: number } = {}) {
  const { mcp, endpoint } = openServer(options)
  mcp.tool('ask', { description: 'Asks for a name' }, async (_, ctx) => {
    const answer = await ctx.elicit('Name?', v.object({ name: v.string() }))
    return answer.action === 'accept' ? answer.content.name : answer.action
  })
  const capabilities = { elicitation: {} }
  const client = await LegacyClient.open(endpoint, '2025-11-25', { capabilities })
  const reply = await client.call('ask', {}, { id: 'asking' })
  const question = await reply.find(({ method }) => method === 'elicitation/create')
  return { client, reply, question }
}

describe('a question', () => {
  it('without an answer in time is cancelled, and the call fails', async () => {
    const { reply, question } = await ask({ answerTimeout: 100 })
    const { params } = await reply.notification('notifications/cancelled')
    expect(params.requestId).toBe(question.id)
    expect(await reply.result()).toMatchObject({ isError: true })
  })

  it('of a call that its client cancels is not cancelled by itself', async () => {
    const { client, reply } = await ask()
    await client.notify('notifications/cancelled', { requestId: 'asking' })
    const methods = (await reply.rest()).map(({ method }) => method)
    expect(methods).not.toContain('notifications/cancelled')
  })

  it.each([
    ['an error', { error: { code: -1, message: 'User rejected' } }, 'with error -1'],
    ['an answer of another form', { result: { action: 'perhaps' } }, 'does not fit'],
    [
      'an answer that breaks the schema',
      { result: { action: 'accept', content: { name: 1 } } },
      'does not fit',
    ],
  ])('that gets %s fails the call', async (_, response, why) => {
    const { client, reply, question } = await ask()
    await client.respond(question.id, response)
    const text = expect.stringContaining(why)
    expect(await reply.result()).toMatchObject({ isError: true, content: [{ text }] })
  })
})
