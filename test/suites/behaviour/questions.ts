/** Questions to the client during a call: on the call's stream in 2025, in further rounds in 2026. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../support/wire.ts'
import { eventually, LegacyClient, ModernClient } from '../../support/wire.ts'
import { conversation } from './calls.ts'
import type { Suite } from './endpoint.ts'
import { ABLE, connect, isModern, REVISIONS, shared } from './endpoint.ts'

const WITH_FORMS = REVISIONS.filter((revision) => revision >= '2025-06-18')
const WITH_URLS = REVISIONS.filter((revision) => revision >= '2025-11-25')

const accept = (content: object) => ({ action: 'accept', content })
const written = {
  role: 'assistant',
  content: { type: 'text', text: 'Old pond' },
  model: 'm-1',
  stopReason: 'endTurn',
}

export function questions({ open, endpoint }: Suite): void {
  describe.each(WITH_FORMS)('a form for %s', (revision) => {
    const modern = isModern(revision)
    const greet = async (answer: (question: Message) => object | undefined) => {
      const client = await connect(endpoint(), revision, { capabilities: { elicitation: {} } })
      return client.converse('tools/call', { name: 'greet_person', arguments: {} }, answer)
    }

    it('is sent with its schema, and the handler continues with its answer (B66)', async () => {
      const { answer, questions: asked } = await greet(() => accept({ name: 'Ada' }))
      expect(answer.result.content[0].text).toBe('Hello, Ada!')
      expect(asked).toHaveLength(1)
      expect(asked[0]?.method).toBe('elicitation/create')
      expect(asked[0]?.params).toEqual({
        message: 'What is your name?',
        requestedSchema: {
          type: 'object',
          properties: { name: { type: 'string', minLength: 1 } },
          required: ['name'],
        },
        ...(revision >= '2025-11-25' && { mode: 'form' }),
      })
    })

    it.each(['decline', 'cancel'])(
      'may be answered with %s, which is a value (C31)',
      async (action) => {
        const { answer } = await greet(() => ({ action }))
        expect(answer.result.content[0].text).toBe(action)
      },
    )

    it('is validated before the handler sees the answer (B66, C31)', async () => {
      const answers = [
        accept({ name: 5 }),
        accept({}),
        { action: 'maybe' },
        accept({ name: 'Eve' }),
      ]
      const { answer, questions: asked } = await greet(() => answers.shift())
      if (modern) {
        expect(answer.result.content[0].text).toBe('Hello, Eve!')
        expect(asked).toHaveLength(4)
      } else {
        expect(answer.result.isError).toBe(true)
        expect(asked).toHaveLength(1)
      }
    })
  })

  describe.each(WITH_URLS)('a URL for %s', (revision) => {
    it('is sent in URL mode, and the consent to open it is the answer (B67, C40)', async () => {
      const client = await connect(endpoint(), revision, {
        capabilities: { elicitation: { url: {} } },
      })
      const params = { name: 'sign_in', arguments: {} }
      const { answer, questions: asked } = await client.converse('tools/call', params, () => ({
        action: 'accept',
      }))
      expect(answer.result.content[0].text).toBe('accept')
      expect(asked[0]?.params).toEqual({
        mode: 'url',
        message: 'Please sign in',
        url: 'https://example.com/sign-in',
        ...(!isModern(revision) && { elicitationId: expect.stringMatching(/./) }),
      })
    })
  })

  describe.each(REVISIONS)('the client of %s', (revision) => {
    const modern = isModern(revision)
    const call = async (name: string, answer: (question: Message) => object | undefined) => {
      const client = await connect(endpoint(), revision, { capabilities: ABLE })
      return client.converse('tools/call', { name, arguments: {} }, answer)
    }

    it('lets its model write (B69, C41)', async () => {
      const { answer, questions: asked } = await call('write', () => written)
      expect(answer.result.content[0].text).toBe('m-1: Old pond')
      expect(asked[0]).toMatchObject({
        method: 'sampling/createMessage',
        params: { maxTokens: 50, messages: [{ role: 'user', content: { type: 'text' } }] },
      })
    })

    it('names its roots (B70)', async () => {
      const roots = [{ uri: 'file:///a' }, { uri: 'file:///b', name: 'b' }]
      const { answer, questions: asked } = await call('places', () => ({ roots }))
      expect(answer.result.content[0].text).toBe('file:///a file:///b')
      expect(asked.map(({ method, params }) => [method, params])).toEqual([
        ['roots/list', undefined],
      ])
    })

    it.each([
      ['greet_person', {}, { elicitation: {} }],
      ['greet_person', { elicitation: { url: {} } }, { elicitation: {} }],
      ['sign_in', { elicitation: {} }, { elicitation: { url: {} } }],
      ['write', { elicitation: {} }, { sampling: {} }],
      ['use_tools', { sampling: {} }, { sampling: { tools: {} } }],
      ['places', {}, { roots: {} }],
    ])(
      'gets no %s request when it declares %j (B65, C18, C29)',
      async (tool, capabilities, needed) => {
        const client = await connect(endpoint(), revision, { capabilities })
        const reply = await client.call(tool)
        const answer = await reply.answer()
        expect(reply.messages).toEqual([answer])
        if (!modern) {
          expect(answer.result).toMatchObject({ isError: true })
          return
        }
        expect(reply.status).toBe(400)
        expect(answer.error).toMatchObject({ code: -32021, data: { requiredCapabilities: needed } })
      },
    )
  })

  describe.each(WITH_FORMS)('more than one question to %s', (revision) => {
    const modern = isModern(revision)

    it('may be sent at once', async () => {
      const client = await connect(endpoint(), revision, { capabilities: ABLE })
      const params = { name: 'three_at_once', arguments: {} }
      const { answer, questions: asked } = await client.converse(
        'tools/call',
        params,
        ({ method }) => {
          if (method === 'elicitation/create') return accept({ name: 'Ada' })
          return method === 'roots/list' ? { roots: [] } : written
        },
      )
      expect(answer.result.content[0].text).toBe('Ada / Old pond / 0')
      expect(asked.map(({ method }) => method).sort()).toEqual([
        'elicitation/create',
        'roots/list',
        'sampling/createMessage',
      ])
    })

    it('may follow each other, and a step between them runs once', async () => {
      const client = await connect(endpoint(), revision, { capabilities: ABLE })
      const kept = await conversation(client)
      const params = { name: 'order', arguments: { item: 'tea', ...kept.args } }
      const { answer, questions: asked } = await client.converse('tools/call', params, (question) =>
        accept(question.params.message === 'Where to?' ? { city: 'Oslo' } : { sure: true }),
      )
      expect(answer.result.content[0].text).toBe('order 1: tea to Oslo')
      expect(asked.map((question) => question.params.message)).toEqual(['Order tea?', 'Where to?'])
      expect(await kept.value('reserved')).toBe(1)
      expect(await kept.value('runs')).toBe(modern ? 3 : 1)
    })

    it('may come from a prompt and from a resource', async () => {
      const client = await connect(endpoint(), revision, { capabilities: ABLE })
      const answers = () => accept({ name: 'Ada' })
      const prompt = await client.converse('prompts/get', { name: 'interview' }, answers)
      expect(prompt.answer.result.messages[0].content.text).toBe('Interview Ada.')
      const resource = await client.converse('resources/read', { uri: 'test://asking' }, answers)
      expect(resource.answer.result.contents[0].text).toBe('for Ada')
    })

    it('need not be awaited: the server survives its rejection', async () => {
      const client = await connect(endpoint(), revision, { capabilities: ABLE })
      const reply = await client.call('forget')
      expect((await reply.result()).content[0].text).toBe('did not wait')
      await reply.rest()
      expect((await (await client.call('echo', { text: 'x' })).result()).isError).toBeUndefined()
    })
  })

  describe('a question of 2025', () => {
    const asking = async (accepts?: string) => {
      const options = { capabilities: ABLE, ...(accepts && { accept: accepts }) }
      return LegacyClient.open(endpoint(), '2025-06-18', options)
    }

    it('is answered by a separate POST, which is accepted (B11)', async () => {
      const client = await asking()
      const reply = await client.call('greet_person')
      const { id } = await reply.find(({ method }) => method === 'elicitation/create')
      const response = await client.respond(id, { result: accept({ name: 'Ada' }) })
      expect([response.status, await response.response.text()]).toEqual([202, ''])
      expect((await reply.result()).content[0].text).toBe('Hello, Ada!')
    })

    it('accepts the first answer, and none from another session (B39)', async () => {
      const [client, stranger] = await Promise.all([asking(), asking()])
      const reply = await client.call('greet_person')
      const { id } = await reply.find(({ method }) => method === 'elicitation/create')
      await stranger.respond(id, { result: accept({ name: 'Mallory' }) })
      await client.respond(`${id}`.toUpperCase(), { result: accept({ name: 'Nobody' }) })
      await client.respond(id, { result: accept({ name: 'Ada' }) })
      await client.respond(id, { result: accept({ name: 'Late' }) })
      expect((await reply.result()).content[0].text).toBe('Hello, Ada!')
    })

    it('that the client answers with an error makes the call fail', async () => {
      const client = await asking()
      const params = { name: 'greet_person', arguments: {} }
      const { answer } = await client.converse('tools/call', params, () => undefined)
      expect(answer.result).toMatchObject({ isError: true })
      const caught = { name: 'insist', arguments: {} }
      const second = await client.converse('tools/call', caught, () => undefined)
      expect(second.answer.result.content[0].text).toBe('caught')
    })

    it('cannot reach a client that does not accept streams', async () => {
      const client = await asking('application/json')
      const { isError, content } = await (await client.call('greet_person')).result()
      expect([isError, content[0].text]).toEqual([
        true,
        'elicitation/create needs a client that accepts text/event-stream',
      ])
    })

    it('ends with the call when that is cancelled (B52)', async () => {
      const client = await asking()
      const reply = await client.call('greet_person', {}, { id: 'cancelled' })
      await reply.find(({ method }) => method === 'elicitation/create')
      await client.notify('notifications/cancelled', { requestId: 'cancelled' })
      expect(await reply.rest()).toHaveLength(1)
    })

    describe('that is not answered', () => {
      const impatient = shared(open, { answerTimeout: 150 })

      it('is cancelled, and the call fails (B49)', async () => {
        const client = await LegacyClient.open(impatient(), '2025-11-25', { capabilities: ABLE })
        const reply = await client.call('greet_person')
        const { id } = await reply.find(({ method }) => method === 'elicitation/create')
        const cancelled = await reply.notification('notifications/cancelled')
        expect(cancelled.params.requestId).toBe(id)
        const { isError, content } = await reply.result()
        expect([isError, content[0].text]).toEqual([true, 'No one answered within 0.15 seconds'])
      })
    })
  })

  describe('a round of 2026', () => {
    const able = () => new ModernClient(endpoint(), { capabilities: ABLE })
    const first = async (tool: string, args: object = {}) => {
      const result = await (await able().call(tool, args)).result()
      expect(result.resultType).toBe('input_required')
      return result as {
        inputRequests: Record<string, Message>
        requestState: string
      }
    }
    const again = (tool: string, args: object, more: object) =>
      able().request('tools/call', { name: tool, arguments: args, ...more })

    it('that needs a missing capability is a 400, in both forms of reply (C18)', async () => {
      for (const form of ['application/json', 'text/event-stream']) {
        const reply = await new ModernClient(endpoint(), { accept: form }).call('places')
        expect([form, reply.status]).toEqual([form, 400])
      }
    })

    it('is one result with all its questions, which must not be cached (C26, C28, C29)', async () => {
      const result = await (await able().call('three_at_once')).result()
      expect(Object.keys(result).sort()).toEqual([
        '_meta',
        'inputRequests',
        'requestState',
        'resultType',
      ])
      expect(Object.keys(result.inputRequests)).toHaveLength(3)
      const params = Object.values<Message>(result.inputRequests).map((question) => question.params)
      expect(params).toContainEqual({ messages: [], maxTokens: 10 })
    })

    it('may be answered in part: the part is kept, and the rest is asked again (C31)', async () => {
      const { inputRequests, requestState } = await first('three_at_once')
      const find = (questions: Record<string, Message>, method: string) =>
        Object.keys(questions).find((key) => questions[key]?.method === method) ?? 'none'
      const one = find(inputRequests, 'sampling/createMessage')
      const inputResponses = { [one]: written, unheard: { of: 1 } }
      const second = await (
        await again('three_at_once', {}, { inputResponses, requestState })
      ).result()
      expect(Object.keys(second.inputRequests)).toHaveLength(2)
      const rest = {
        [find(second.inputRequests, 'elicitation/create')]: accept({ name: 'Ada' }),
        [find(second.inputRequests, 'roots/list')]: { roots: [] },
      }
      const third = await again(
        'three_at_once',
        {},
        {
          inputResponses: rest,
          requestState: second.requestState,
        },
      )
      expect((await third.result()).content[0].text).toBe('Ada / Old pond / 0')
    })

    it.each([null, 5, 'yes', [], {}, { action: 'accept', content: null }])(
      'that is answered %j is asked again (C31)',
      async (answer) => {
        const { inputRequests, requestState } = await first('greet_person')
        const [key = ''] = Object.keys(inputRequests)
        const reply = await again(
          'greet_person',
          {},
          {
            inputResponses: { [key]: answer },
            requestState,
          },
        )
        const result = await reply.result()
        expect(result.resultType).toBe('input_required')
        expect(result.inputRequests).toEqual(inputRequests)
      },
    )

    it('ignores an answer to a question that was never asked (C30)', async () => {
      const inputResponses = { 'question-1': accept({ name: 'Mallory' }) }
      const result = await (await again('greet_person', {}, { inputResponses })).result()
      expect(result.resultType).toBe('input_required')
    })

    it('ends the run of a handler that catches everything', async () => {
      const { inputRequests, requestState } = await first('insist')
      const [key = ''] = Object.keys(inputRequests)
      const inputResponses = { [key]: accept({ name: 'Ada' }) }
      const reply = await again('insist', {}, { inputResponses, requestState })
      expect((await reply.result()).content[0].text).toBe('answered')
    })

    it('is bound to its state: changed or foreign, it is refused (C30)', async () => {
      const { requestState } = await first('order', { item: 'tea' })
      const other = await first('greet_person')
      const middle = Math.floor(requestState.length / 2)
      const flipped = requestState[middle] === 'A' ? 'B' : 'A'
      const changed = requestState.slice(0, middle) + flipped + requestState.slice(middle + 1)
      const attempts: [string, object, unknown][] = [
        ['order', { item: 'tea' }, changed],
        ['order', { item: 'tea' }, `${requestState}-TAMPERED`],
        ['order', { item: 'tea' }, requestState.slice(0, -1)],
        ['order', { item: 'tea' }, `.${requestState}`],
        ['order', { item: 'tea' }, ''],
        ['order', { item: 'tea' }, 5],
        ['order', { item: 'tea' }, null],
        ['order', { item: 'tea' }, {}],
        ['order', { item: 'tea' }, 'x'.repeat(300_000)],
        ['order', { item: 'gold' }, requestState],
        ['order', { item: 'tea', more: 1 }, requestState],
        ['order', { item: 'tea' }, other.requestState],
        ['greet_person', {}, requestState],
      ]
      for (const [tool, args, state] of attempts) {
        const inputResponses = { sure: accept({ sure: true }) }
        const reply = await again(tool, args, { inputResponses, requestState: state })
        const { error } = await reply.answer()
        expect([tool, args, error?.code]).toEqual([tool, args, -32602])
        expect(reply.status).toBe(400)
      }
      const inputResponses = { sure: { action: 'decline' } }
      const reply = await again('order', { item: 'tea' }, { inputResponses, requestState })
      expect((await reply.result()).content[0].text).toBe('not ordered')
    })

    it('is accepted once: the same state sent again has no effect', async () => {
      const client = able()
      const kept = await conversation(client)
      const args = { item: 'tea', ...kept.args }
      const { requestState } = await first('order', args)
      const inputResponses = { sure: { action: 'decline' } }
      const replies = await Promise.all(
        Array.from({ length: 5 }, () => again('order', args, { inputResponses, requestState })),
      )
      const answers = await Promise.all(replies.map((reply) => reply.answer()))
      const texts = answers.flatMap(({ result }) => result?.content[0].text ?? [])
      expect(texts).toEqual(['not ordered'])
      expect(answers.flatMap(({ error }) => error?.code ?? [])).toEqual(Array(4).fill(-32602))
      expect(await kept.value('runs')).toBe(2)
      const late = await again('order', args, { inputResponses, requestState })
      expect([late.status, (await late.answer()).error?.code]).toEqual([400, -32602])
    })

    it('continues when only the order of the arguments changed', async () => {
      const result = await (await able().call('add', { a: 1, b: 2 })).result()
      expect(result.structuredContent).toEqual({ sum: 3 })
      const { requestState } = await first('order', { item: 'tea', extra: { a: 1, b: [2] } })
      const inputResponses = { sure: { action: 'cancel' } }
      const args = { extra: { b: [2], a: 1 }, item: 'tea' }
      const reply = await again('order', args, { inputResponses, requestState })
      expect((await reply.result()).content[0].text).toBe('not ordered')
    })

    describe('that comes too late', () => {
      const impatient = shared(open, { stateTtl: 200 })

      it('is refused as expired (C30)', async () => {
        const client = new ModernClient(impatient(), { capabilities: ABLE })
        const { requestState } = await (await client.call('greet_person')).result()
        await eventually(async () => {
          const params = { name: 'greet_person', arguments: {}, requestState }
          const reply = await client.request('tools/call', params)
          expect((await reply.answer()).error?.code).toBe(-32602)
        })
      })
    })
  })
}
