/** `openapi()`: operations of an HTTP API as tools, and what a hostile argument or document cannot do. */
import { afterEach, describe, expect, it } from 'vitest'
import type { OpenApiOptions } from '../../adapters/openapi.ts'
import { openapi } from '../../adapters/openapi.ts'
import { createMcp } from '../../src/index.ts'
import { OFFICIAL } from '../support/official-clients.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const pet = { $ref: '#/components/schemas/Pet' }
const content = { 'application/json': { schema: pet } }

const DOCUMENT = {
  openapi: '3.0.3',
  info: { title: 'Pets', version: '1' },
  servers: [{ url: 'https://attacker.example' }],
  paths: {
    '/pets/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      get: {
        operationId: 'getPet',
        summary: 'Get a pet',
        parameters: [
          { name: 'fields', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
          { name: 'X-Trace', in: 'header', schema: { type: 'string' } },
          { name: 'Authorization', in: 'header', schema: { type: 'string' } },
        ],
        responses: { 200: { description: 'A pet' } },
      },
      delete: { responses: { 204: { description: 'Gone' } } },
    },
    '/pets': {
      post: {
        operationId: 'addPet',
        requestBody: { required: true, content },
        responses: { 201: { description: 'Added' } },
      },
    },
    '/trees': {
      post: {
        operationId: 'addTree',
        requestBody: {
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Tree' } } },
        },
        responses: { 201: { description: 'Added' } },
      },
    },
  },
  components: {
    schemas: {
      Pet: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', nullable: true }, age: { type: 'integer' } },
      },
      Tree: {
        type: 'object',
        properties: { parts: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } },
      },
    },
  },
}

async function offered(answer: () => Response, more: Partial<OpenApiOptions> = {}) {
  const requests: Request[] = []
  const mcp = createMcp({ name: 'pets', version: '1.0.0', log: () => {} })
  await openapi(mcp, DOCUMENT, {
    operations: { get_pet: 'getPet', add_pet: 'addPet', remove_pet: 'DELETE /pets/{id}' },
    baseUrl: 'https://pets.example.com/v1',
    headers: { authorization: 'Bearer service' },
    fetch: async (url, init) => {
      requests.push(new Request(url, init))
      return answer()
    },
    ...more,
  })
  const connect = async (name: string) => {
    const [, , opens] = OFFICIAL.find(([client]) => client === name) ?? []
    if (!opens) throw new Error(`No client ${name}`)
    const client = await opens('http://localhost/mcp', {}, async (url, init) =>
      mcp.fetch(new Request(url, init)),
    )
    open.push(client)
    return client
  }
  return { mcp, requests, connect }
}

describe.each(['v1', 'v2 pinned to 2026-07-28'])('operations of an HTTP API, for %s', (name) => {
  it('are tools with path, query, header and body', async () => {
    const { requests, connect } = await offered(() => Response.json({ name: 'Rex' }))
    const client = await connect(name)
    expect(await client.list('tools')).toEqual(['get_pet', 'add_pet', 'remove_pet'])
    const args = { id: 'a/b c', fields: ['name', 'age'], 'X-Trace': 't1' }
    expect(await client.call('get_pet', args)).toMatchObject({ structuredContent: { name: 'Rex' } })
    await client.call('add_pet', { body: { name: null, age: 3 } })
    await client.call('remove_pet', { id: '7' })
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET https://pets.example.com/v1/pets/a%2Fb%20c?fields=name&fields=age',
      'POST https://pets.example.com/v1/pets',
      'DELETE https://pets.example.com/v1/pets/7',
    ])
    expect(requests[0]?.headers.get('x-trace')).toBe('t1')
    expect(requests[0]?.headers.get('authorization')).toBe('Bearer service')
    expect(await requests[1]?.json()).toEqual({ name: null, age: 3 })
    expect(requests.every(({ redirect }) => redirect === 'error')).toBe(true)
  })

  it('refuse arguments that the document does not allow, and those that leave the path', async () => {
    const { requests, connect } = await offered(() => Response.json({}))
    const client = await connect(name)
    for (const id of ['..', '.', '']) {
      expect(await client.call('get_pet', { id })).toMatchObject({ isError: true })
    }
    expect(await client.call('add_pet', { body: { age: 'x' } })).toMatchObject({ isError: true })
    const own = { id: '1', Authorization: 'Bearer stolen' }
    expect(await client.call('get_pet', own)).toMatchObject({ isError: true })
    expect(requests).toEqual([])
  })

  it('say what was wrong with a request, and nothing of the inside of the API', async () => {
    const problem = { title: 'No such pet', detail: 'Try another id', trace: '10.0.0.7' }
    const answers = [
      () =>
        Response.json(problem, {
          status: 404,
          headers: { 'content-type': 'application/problem+json' },
        }),
      () => new Response('at db.internal:5432', { status: 500 }),
      () => {
        throw new TypeError('connect ECONNREFUSED 10.0.0.7')
      },
    ]
    const { connect } = await offered(() => (answers.shift() ?? Response.error)())
    const client = await connect(name)
    const said = async () => (await client.call('get_pet', { id: '1' })).content[0]?.text
    expect(await said()).toBe('The API answered with status 404: No such pet: Try another id')
    expect(await said()).toBe('The API answered with status 500')
    expect(await said()).toBe('The API cannot be reached')
  })
})

describe('a document', () => {
  const refused = (document: object, operations: string[]) =>
    openapi(createMcp({ name: 'x', version: '1' }), document, {
      operations,
      baseUrl: 'https://pets.example.com',
    })

  it('is refused by name for what cannot be a tool', async () => {
    await expect(refused(DOCUMENT, ['getCat'])).rejects.toThrow('no operation "getCat"')
    await expect(refused(DOCUMENT, ['addTree'])).rejects.toThrow(
      '"addTree" has a schema that contains',
    )
    await expect(refused({ swagger: '2.0' }, [])).rejects.toThrow('not of OpenAPI 3')
  })

  it('never has what lies outside it fetched or read', async () => {
    for (const $ref of ['http://169.254.169.254/latest', 'file:///etc/passwd', './other.json']) {
      const document = { ...DOCUMENT, components: { schemas: { Pet: { $ref } } } }
      await expect(refused(document, ['addPet'])).rejects.toThrow('is outside the document')
    }
  })
})
