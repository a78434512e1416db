/** Every block of code in the documentation is checked by the compiler, and runs. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import { buildPage } from '../../page/build.ts'
import { createReferenceServer } from '../../reference/tools/index.ts'
import type { Mcp, Store } from '../../src/index.ts'
import { describeStore } from '../suites/store-contract.ts'
import { runCli } from '../support/cli-run.ts'
import { BLOCKS } from '../support/docs.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const folder = mkdtempSync(join('test', '.docs-'))
afterAll(() => rmSync(folder, { recursive: true }))

const TOKEN = 'a-token-of-the-documentation'
process.env.MCP_AUTH_TOKEN = TOKEN
process.env.MCP_TABLE = 'documentation'
process.env.TOKEN_SHA256 = Buffer.from(
  await crypto.subtle.digest('SHA-256', new TextEncoder().encode(TOKEN)),
).toString('hex')
const credentials = { authorization: `Bearer ${TOKEN}` }

const IMPORTED = /from '\.\/([\w-]+\.ts)'/

/** Writes the blocks as files. An import of `./name.ts` in a block means the nearest block before it without such an import. */
const typescript = BLOCKS.filter(({ language }) => language === 'ts').map((block, i, all) => {
  const file = join(folder, `${block.name.replace(/\W+/g, '-')}.ts`)
  const [, imported] = IMPORTED.exec(block.code) ?? []
  const before = all.slice(0, i).findLast(({ code }) => !IMPORTED.test(code))
  if (imported && before) writeFileSync(join(folder, imported), before.code)
  writeFileSync(file, block.code)
  return { ...block, file }
})

/** Imports the module of a block. `more` is added to its code, in a separate file. */
async function load(file: string, change = (code: string) => code) {
  const code = readFileSync(file, 'utf8')
  const changed = change(code)
  const path = changed === code ? file : file.replace(/\.ts$/, '-run.ts')
  if (path !== file) writeFileSync(path, changed)
  return import(/* @vite-ignore */ resolve(path))
}

const text = (value: string) => ({ content: [{ type: 'text', text: value }] })

/** The calls to the servers of the documentation, by their name, and their answers. */
const CALLS: Readonly<Record<string, [method: string, params: object, result: object]>> = {
  weather: [
    'tools/call',
    { name: 'get_weather', arguments: { city: 'Bern' } },
    text('The temperature in Bern is 21°C'),
  ],
  deploy: [
    'tools/call',
    { name: 'deploy', arguments: { version: '2.0' } },
    { content: [{ type: 'text', text: expect.stringMatching(/^Deployed 2\.0( \(T-[12]\))?$/) }] },
  ],
  convert: ['tools/call', { name: 'to_celsius', arguments: { fahrenheit: 212 } }, text('100')],
  counter: [
    'tools/call',
    { name: 'count', arguments: {} },
    { content: expect.arrayContaining([{ type: 'text', text: '1' }]) },
  ],
  review: [
    'prompts/get',
    { name: 'review', arguments: { language: 'go' } },
    { messages: [{ role: 'user', content: { type: 'text' } }] },
  ],
  notes: [
    'resources/read',
    { uri: 'notes://today' },
    { contents: [{ uri: 'notes://today', text: 'Buy milk' }] },
  ],
  forecasts: [
    'tools/call',
    { name: 'forecast', arguments: {} },
    { structuredContent: { days: [{ day: 'Monday', high: 21 }] } },
  ],
  team: [
    'skills/get',
    { uri: 'skill://on-call/SKILL.md' },
    { skill: { frontmatter: { name: 'on-call' }, resources: 'dynamic' } },
  ],
  card: ['tools/call', { name: 'forecast', arguments: {} }, text('Sunny')],
  notebook: ['notes/get', { id: 'first' }, { note: 'Buy milk' }],
  hello: ['tools/call', { name: 'hello', arguments: {} }, text('Hello!')],
  search: [
    'tools/call',
    { name: 'search', arguments: { filter: { op: 'not', filter: { op: 'is', value: 'x' } } } },
    { structuredContent: { filter: { op: 'not', filter: { op: 'is', value: 'x' } } } },
  ],
  measured: ['tools/call', { name: 'now', arguments: {} }, text('21 °C')],
  lamps: [
    'tools/call',
    { name: 'order', arguments: { number: 'A-1', item: 'a lamp' } },
    text('Ordered a lamp'),
  ],
  petshop: [
    'tools/call',
    { name: 'get_pet', arguments: { id: 7 } },
    { structuredContent: { name: 'Rex' } },
  ],
  finder: ['tools/call', { name: 'search_greet', arguments: { name: 'Ann' } }, text('Hello, Ann!')],
  skies: [
    'tools/call',
    { name: 'weather_get_weather', arguments: { city: 'Oslo' } },
    text('21 °C in Oslo'),
  ],
  traced: ['tools/call', { name: 'ping_host', arguments: {} }, text('pong')],
  db: ['tools/call', { name: 'db_tables', arguments: {} }, text('users, orders')],
  limited: ['tools/call', { name: 'report', arguments: {} }, text('Written')],
  timed: ['tools/call', { name: 'greet', arguments: { name: 'Ann' } }, text('Hello Ann')],
  guarded: [
    'tools/call',
    { name: 'find_customer', arguments: { name: 'Ann' } },
    text('Ann pays with ****'),
  ],
  rotated: ['tools/call', { name: 'whoami', arguments: {} }, text('You are build-server')],
  kept: [
    'tools/call',
    { name: 'visit', arguments: {} },
    { content: expect.arrayContaining([{ type: 'text', text: 'Visit 1' }]) },
  ],
  exports: [
    'tools/call',
    { name: 'export_table', arguments: { table: 'orders' } },
    {
      content: [
        { type: 'text', text: 'orders has 2 rows. The first one: A-1, shipped' },
        { type: 'resource_link', uri: 'export://orders.csv' },
      ],
    },
  ],
  pages: [
    'tools/call',
    { name: 'list_orders', arguments: { from: 200 } },
    { structuredContent: { orders: expect.arrayContaining(['Order 250']) } },
  ],
  migrated: [
    'tools/call',
    { name: 'in_stock', arguments: { item: 'lamp' } },
    { structuredContent: { count: 3 } },
  ],
  shop: ['tools/call', { name: 'status', arguments: {} }, text('open')],
  migrations: [
    'tools/call',
    { name: 'migrate', arguments: { table: 'users' } },
    text('Applied 2 changes'),
  ],
  catalog: ['tools/call', { name: 'report', arguments: {} }, text('All is well')],
  library: [
    'tools/call',
    { name: 'call_tool', arguments: { name: 'count_users' } },
    text('Counted users'),
  ],
  warehouse: ['tools/call', { name: 'db_query', arguments: { sql: 'x' } }, text('Ran x')],
  reports: ['tools/call', { name: 'report', arguments: {} }, text('For build-server: all is well')],
}
const ORDER = { number: 'A-1', status: 'shipped' }
const ORDERS: (typeof CALLS)[string] = [
  'tools/call',
  { name: 'find_order', arguments: { number: 'A-1' } },
  { structuredContent: ORDER },
]

/** Makes the call of the table in both eras, and answers questions with yes. */
async function ask(mcp: Mcp, name: string, code: string): Promise<void> {
  const base = fetchEndpoint(mcp)
  const [, host = 'localhost'] = /allowedHosts: \['([^']+)'/.exec(code) ?? []
  const endpoint = { ...base, url: `http://${host}/mcp` }
  if (/auth: (oauth|cognito)\(/.test(code)) {
    const client = new ModernClient(endpoint)
    expect((await client.request('tools/list')).response.status).toBe(401)
    return
  }
  const [method, params, result] = name === 'orders' ? ORDERS : (CALLS[name] ?? [])
  if (!method || !params) throw new Error(`No call is known for the server ${name}`)
  const capabilities = { elicitation: {} }
  const yes = () => ({ action: 'accept', content: { sure: true } })
  const modern = new ModernClient(endpoint, { capabilities, headers: credentials })
  const legacy = await LegacyClient.open(endpoint, '2025-11-25', {
    capabilities,
    headers: credentials,
  })
  for (const client of [modern, legacy]) {
    const { answer } = await client.converse(method, params, yes)
    expect(answer.result).toMatchObject(result ?? {})
  }
}

/** Returns Lambda's global `awslambda` with a stream in memory. */
function fakeLambda() {
  const HttpResponseStream = {
    from: (stream: PassThrough & { status?: number }, head: { statusCode: number }) =>
      Object.assign(stream, { status: head.statusCode }),
  }
  return { streamifyResponse: (handler: unknown) => handler, HttpResponseStream }
}

const EVENT = {
  httpMethod: 'POST',
  path: '/mcp',
  headers: { 'content-type': 'application/json', accept: 'application/json', ...credentials },
  body: '{}',
  isBase64Encoded: false,
  resource: '/mcp',
  methodArn: 'arn:aws:execute-api:eu-central-1:123456789012:abc/prod/POST/mcp',
  requestContext: { domainName: 'abc.example.com', stage: 'prod', path: '/prod/mcp' },
}

describe('the code of the documentation', () => {
  it('exists', () => {
    expect(typescript.length).toBeGreaterThan(15)
  })

  it('satisfies the compiler', { timeout: 60_000 }, async () => {
    const config = join(folder, 'tsconfig.json')
    writeFileSync(
      config,
      JSON.stringify({
        extends: '../../tsconfig.json',
        compilerOptions: { noEmit: true, rootDir: '../..' },
        include: ['*.ts'],
        exclude: [],
      }),
    )
    const tsc = resolve('node_modules/.bin/tsc')
    const compiled = promisify(execFile)(tsc, ['-p', config]).catch(({ stdout }) => ({ stdout }))
    expect((await compiled).stdout).toBe('')
  })

  describe.each(typescript.map((block) => [block.name, block] as const))('%s', (_, block) => {
    const { code, file } = block
    const [, name = ''] = /name: '([\w-]+)',\s+version/.exec(code) ?? []

    if (code.includes('await serve(')) {
      it('starts a server on Node', async () => {
        const { server } = (await load(file, (text) =>
          `${text}\nexport { server }\n`.replace(
            /port: (3000|8000, host: '0\.0\.0\.0')/,
            'port: 0, signals: false',
          ),
        )) as { server: NodeServer }
        const path = code.includes("'/api'") ? '/api/mcp' : '/mcp'
        const url = `http://127.0.0.1:${server.port}${path}`
        const client = new ModernClient({ url, fetch, close: async () => {} })
        expect((await (await client.request('tools/list')).result()).tools).toHaveLength(1)
        await server.close()
      })
    } else if (code.includes("from 'node:test'")) {
      it('passes in the test runner of Node', { timeout: 60_000 }, async () => {
        const args = ['--import', 'tsx', '--test', '--test-reporter=tap', file]
        const env = { ...process.env, TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json') }
        const ran = await promisify(execFile)(process.execPath, args, { env })
        expect(ran.stdout).toMatch(/^# pass [1-9]/m)
        expect(ran.stdout).toMatch(/^# fail 0$/m)
      })
    } else if (code.includes('handler = lambda(')) {
      it('answers an event on Lambda', async () => {
        Object.assign(globalThis, { awslambda: fakeLambda() })
        const { handler } = await load(file)
        const stream = new PassThrough() as PassThrough & { status?: number }
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        await handler(EVENT, stream, { awsRequestId: '1', getRemainingTimeInMillis: () => 30_000 })
        expect(stream.status).toBe(400)
        expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ jsonrpc: '2.0' })
      })
    } else if (code.includes('handler = durable(')) {
      it('is the handler of a durable function, and of no other', async () => {
        vi.stubEnv('AUTH_METHOD', 'none')
        vi.stubEnv('MCP_TABLE', 'table')
        const { handler } = await load(file)
        vi.unstubAllEnvs()
        await expect(handler(EVENT, {})).rejects.toThrow(/durable/i)
      })
    } else if (code.includes('handler = authorizer(')) {
      it('accepts only a caller with the token', async () => {
        const { handler } = await load(file)
        const { policyDocument } = await handler(EVENT)
        expect(policyDocument.Statement[0].Effect).toBe('Allow')
        await expect(handler({ ...EVENT, headers: {} })).rejects.toThrow('Unauthorized')
      })
    } else if (code.includes('people.respond(')) {
      it('gives the page to a browser alone', async () => {
        await buildPage()
        const { default: server } = await load(file)
        const open = (accept: string): Promise<Response> =>
          server.fetch(new Request('http://localhost/mcp', { headers: { accept } }))
        expect((await open('text/html')).headers.get('content-type')).toMatch(/^text\/html/)
        expect((await open('text/event-stream')).status).toBe(405)
      })
    } else if (code.includes('(clock: () => number = Date.now): Store')) {
      describeStore('the engine', async (clock) => {
        const { mapStore } = (await load(file)) as { mapStore: (clock: () => number) => Store }
        const store = mapStore(clock)
        return { store, peer: store }
      })
    } else {
      it('answers clients of both eras', async () => {
        const remote = createReferenceServer({ name: 'remote', version: '1' }, {})
        vi.stubGlobal('remoteFetch', (_: unknown, init: RequestInit) =>
          remote.fetch(new Request('http://localhost/mcp', init)),
        )
        // There are no databases here, so these servers use the memory store.
        const { default: mcp } = (await load(file, (text) =>
          text
            .replace(/ {1,2}store: (dynamo|redis|postgres)Store\(\{.*?\}\),?/, '')
            .replace(/^await createTables.*$/m, '')
            .replace(
              "baseUrl: 'https://pets.example.com',",
              "$& fetch: async () => Response.json({ name: 'Rex' }),",
            )
            // The remote server of the example is the reference server.
            .replace("prefix: 'search_',", "prefix: 'search_', fetch: globalThis.remoteFetch,"),
        )) as { default: Mcp }
        const known = code.includes("'status'") ? 'shop' : name
        await ask(mcp, known, code)
      })
    }
  })
})

describe('the commands of the documentation', () => {
  let server: NodeServer
  beforeAll(async () => {
    server = await serve(createReferenceServer({ name: 'documentation', version: '1' }, {}), {
      port: 0,
      signals: false,
    })
  })
  afterAll(() => server.close())

  const shell = BLOCKS.filter(({ language }) => language === 'sh').flatMap(({ name, code }) =>
    code
      .split('\n')
      .map((line) => line.replace(/ +#.*$/, ''))
      .filter((line) => line !== '')
      .map((line) => [name, line] as const),
  )
  const [client, other] = [true, false].map((ours) =>
    shell.filter(([, line]) => /^npx streamable-mcp(-cli)?( (?!dev )|$)/.test(line) === ours),
  )

  // A command that several documents show runs once.
  const documents = new Map<string, string[]>()
  for (const [name, line] of client ?? []) {
    const command = line.split(' ').slice(2).join(' ')
    documents.set(command, [...(documents.get(command) ?? []), name])
  }

  it.each(Array.from(documents, ([command, names]) => [names.join(', '), command] as const))(
    '%s: %s',
    async (_, command) => {
      const words = command === '' ? [] : command.split(' ')
      const url = `http://127.0.0.1:${server.port}/mcp`
      const args = words.map((word) => word.replace('http://127.0.0.1:3000/mcp', url))
      const ran = await runCli(args, {
        env: { STREAMABLE_MCP_HOME: folder, MCP_SERVER_URL: url },
        input: args.length === 0 ? ['list-tools', 'quit'] : [],
      })
      expect({ code: ran.code, stderr: ran.stderr }).toEqual({
        code: 0,
        stderr: expect.any(String),
      })
      expect(ran.stdout).not.toBe('')
    },
  )

  /** The beginnings of lines that need another machine, a network or an account. */
  const ELSEWHERE =
    /^(npm install (--save-dev @modelcontextprotocol\/client|streamable-mcp)|npm create streamable-mcp@latest my-server( -- --target aws)?|cd my-server && (npm test|sam build && sam deploy --guided)|npm run dev|npx streamable-mcp(-cli)? dev server\.ts|sam build && sam deploy --guided|docker buildx build .*|sam build && sam package .*|npm ci && (npm (start|test)|sam build && sam deploy --guided)|sam delete|([A-Z]+=\$\()?(aws|openssl rand) .+|node -p .+|curl -i -X POST .+|npm start|cd examples\/agent && npm ci && npm start)$/

  it.each(other ?? [])('%s: %s', (_, line) => {
    const [, script] = /^npm run ([\w:]+)/.exec(line) ?? []
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
    if (script && line !== 'npm run dev') expect(Object.keys(scripts)).toContain(script)
    else if (line.startsWith('npx vitest run ')) {
      const [, path = '', , title] = /^npx vitest run (\S+)( -t "(.+)")?$/.exec(line) ?? []
      expect(basename(path)).toMatch(/\.test\.ts$/)
      readFileSync(path)
      expect(title).toEqual(title && expect.any(String))
    } else expect(line).toMatch(ELSEWHERE)
  })
})
