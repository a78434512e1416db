/** Commands in scripts: results on stdout, exit codes, JSON, pipes, and no session that stays open. */

import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serve } from '../../adapters/node.ts'
import type { LogEntry } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { runCli } from '../support/cli-run.ts'
import { startCliServer } from '../support/cli-server.ts'
import { temporaryHome } from '../support/cli-terminal.ts'

const log: LogEntry[] = []
const server = await startCliServer({ log: (entry) => log.push(entry) })
afterAll(() => server.close())

let home: Awaited<ReturnType<typeof temporaryHome>>
let env: Record<string, string>
beforeEach(async () => {
  home = await temporaryHome()
  env = { MCP_SERVER_URL: server.url, STREAMABLE_MCP_HOME: home.path }
})
afterEach(() => home.remove())

describe.each(['modern', 'legacy'])('in the %s era', (era) => {
  const cli = (...args: string[]) => runCli([...args, '--era', era], { env })

  it('prints results and nothing else on stdout', async () => {
    expect(await cli('call', 'greet', 'name=Ann Lee')).toMatchObject({
      code: 0,
      stdout: 'Hello, Ann Lee!\n',
      stderr: '',
    })
    expect((await cli('call', 'greet', '{"name":"Bob"}')).stdout).toBe('Hello, Bob!\n')
    expect((await cli('call', 'add', 'a=2', 'b=-3')).stdout).toBe('-1\n')
    expect((await cli('list')).stdout).toContain('greet: Greets\n    name*  string\n')
    expect((await cli('list', 'prompts')).stdout).toContain('greeting name: Asks for a greeting')
    expect((await cli('list', 'resources')).stdout).toBe('note: note://one (text/plain)\n')
    expect((await cli('list', 'templates')).stdout).toBe('weather: weather://{city}\n')
    expect((await cli('read', 'note://one')).stdout).toBe('Hello, world!\n')
    expect((await cli('prompt', 'greeting', 'name=Ann')).stdout).toBe('user: Please greet Ann.\n')
  })

  it('keeps notifications off stdout', async () => {
    const call = await cli('call', 'multi-greet', 'name=Ann', '--log-level', 'info')
    expect(call.stdout).toBe('Good morning, Ann!\n')
    expect(call.stderr.split('\n').slice(0, 3)).toEqual(
      [1, 2, 3].map((n) => `[info] Greeting ${n} of Ann`),
    )
  })

  it('prints one JSON document with --json, for results and for errors', async () => {
    const content = [{ type: 'text', text: 'Hello, Ann!' }]
    expect((await cli('call', 'greet', 'name=Ann', '--json')).json()).toMatchObject({ content })
    expect((await cli('list', '--json')).json()).toMatchObject({
      tools: expect.arrayContaining([expect.objectContaining({ name: 'greet' })]),
    })
    const failed = await cli('read', 'note://none', '--json')
    expect(failed).toMatchObject({ code: 1, stderr: '' })
    expect(failed.json()).toMatchObject({
      error: { exit: 1, message: expect.stringContaining('The server answered with error') },
    })
  })

  it('answers questions by the rule of --answer', async () => {
    const refused = await cli('call', 'ask')
    expect(refused.code).toBe(1)
    const declined = await cli('call', 'ask', '--answer', 'decline')
    expect(declined.stdout).toBe('{"action":"decline"}\n')
    const answered = await cli(
      'call',
      'ask',
      '--answer',
      '{"name":"Ann","color":"red","sure":true}',
    )
    expect(answered.stdout).toContain('"content":{"name":"Ann","color":"red","sure":true}')
  })

  it('exits with 1 when the tool fails or is unknown', async () => {
    expect(await cli('call', 'greet')).toMatchObject({ code: 1 })
    expect(await cli('call', 'nothing')).toMatchObject({ code: 1 })
  })

  it('exits with 130 when it is interrupted, and cancels the call on the server', async () => {
    const before = server.cancelled()
    const interrupt = new AbortController()
    const call = runCli(['call', 'wait', '--era', era], { env, signal: interrupt.signal })
    await expect.poll(server.waiting).toBe(1)
    interrupt.abort()
    expect(await call).toMatchObject({ code: 130, stderr: expect.stringContaining('Cancelled.') })
    await expect.poll(server.cancelled).toBe(before + 1)
  })

  it('saves binary content in the folder of --save', async () => {
    const folder = join(home.path, 'out')
    const call = await cli('call', 'picture', '--save', folder)
    const [file = ''] = await readdir(folder)
    expect(file).toMatch(/\.png$/)
    expect(call.stderr).toBe(`Saved ${join(folder, file)}\n`)
    expect((await readFile(join(folder, file))).subarray(1, 4).toString()).toBe('PNG')
  })

  it('runs one command per line from a pipe, and exits with the first failure', async () => {
    const input = ['# a comment', 'greet Ann', '', 'call-tool nothing', 'greet Bob']
    const piped = await runCli(['--era', era], { env, input })
    expect(piped.code).toBe(1)
    expect(piped.stdout).toContain('Hello, Ann!\n')
    expect(piped.stdout).toContain('Hello, Bob!\n')
    expect(piped.stdout).not.toContain('> ')
    expect(
      (await runCli(['--era', era], { env, input: ['greet Ann', 'quit', 'greet Bob'] })).stdout,
    ).not.toContain('Bob')
  })
})

it('ends its session on the server', async () => {
  log.length = 0
  await runCli(['call', 'greet', 'name=Ann', '--era', 'legacy'], { env })
  expect(log.at(-1)).toMatchObject({ verb: 'DELETE' })
})

it.each([
  [['nonsense'], 'There is no command "nonsense".'],
  [['call'], 'Usage: call-tool <name>'],
  [['read'], 'Usage: read-resource <uri>'],
  [['prompt'], 'Usage: get-prompt <name>'],
  [['list', 'nonsense'], 'list must be one of tools, prompts, resources, templates'],
  [['call', 'greet', '{"name"'], 'The arguments are not valid JSON'],
  [['call', 'greet', 'Ann'], '"Ann" is not name=value.'],
  [['list', '--nonsense'], "Unknown option '--nonsense'"],
  [['list', '--timeout', 'soon'], '--timeout takes a number of seconds'],
  [['list', '--era', 'bronze'], '--era must be one of auto, legacy, modern'],
  [['list', '--url', 'ftp://example.com'], 'is not an http or https URL'],
  [['call', 'ask', '--answer', 'perhaps'], '--answer takes'],
  [['list', '--log-level', 'loud'], '--log-level must be one of debug'],
  [['auth', 'nonsense'], 'auth must be one of login, logout, status, refresh'],
])('exits with 2 and a sentence for %j', async (args, sentence) => {
  const ran = await runCli(args, { env })
  expect(ran).toMatchObject({ code: 2, stdout: '' })
  expect(ran.stderr).toContain(sentence)
})

it.each([[[]], [['call']], [['list']], [['read']], [['prompt']], [['doctor']], [['auth']]])(
  'explains itself for %j --help',
  async (args) => {
    const help = await runCli([...args, '--help'], { env })
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toMatch(new RegExp(`^Usage: streamable-mcp ${args[0] ?? '\\[command\\]'}`))
    expect(help.stdout).toContain('Exit codes:')
  },
)

describe('exits with 4 when no MCP server answers', () => {
  async function answering(
    status: number,
    body: string,
    type = 'text/html',
  ): Promise<{ url: string; close(): void }> {
    const server = createServer((_, response) =>
      response.writeHead(status, { 'content-type': type }).end(body),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
      close: () => server.close(),
    }
  }

  it('because the port is closed or the name is unknown', async () => {
    const gone = await answering(200, '')
    gone.close()
    expect(await runCli(['list', '--url', gone.url], { env })).toMatchObject({
      code: 4,
      stderr: `Cannot reach ${gone.url}: nothing listens there (ECONNREFUSED).\n→ Start the server, or check the port.\n`,
    })
    const unknown = await runCli(['list', '--url', 'http://no.such.host.invalid/mcp'], { env })
    expect(unknown.code).toBe(4)
    expect(unknown.stderr).toMatch(/there is no such host|could not be resolved/)
  })

  it.each([
    [404, '<p>no</p>', 'is not an MCP endpoint (HTTP 404)'],
    [500, 'oops', 'The server failed (HTTP 500)'],
    [503, 'busy', 'The server failed (HTTP 503)'],
    [200, '<p>Hello</p>', 'did not answer as an MCP endpoint'],
  ])('as it answers %i', async (status, body, sentence) => {
    const other = await answering(status, body)
    const ran = await runCli(['list', '--url', other.url], { env })
    other.close()
    expect(ran.stderr).toContain(sentence)
    expect(ran.code).toBe(4)
  })
})

it.each([
  ['with a session', { 'mcp-session-id': 's1' }, ['cancelled', 'ended']],
  ['without sessions', {}, ['cancelled']],
])(
  'waits for its cancellation to arrive before it leaves a server %s',
  async (_, headers, order) => {
    const heard: string[] = []
    let calling = () => {}
    const called = new Promise<void>((resolve) => {
      calling = resolve
    })
    const results: Record<string, object> = {
      initialize: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'slow', version: '1' },
      },
      'tools/list': { tools: [{ name: 'wait', inputSchema: { type: 'object' } }] },
    }
    const slow = createServer(async (request, response) => {
      const text = Buffer.concat(await request.toArray()).toString()
      if (request.method === 'DELETE') heard.push('ended')
      if (request.method !== 'POST') return response.writeHead(405).end()
      const { id, method } = JSON.parse(text)
      if (method === 'tools/call') {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        return calling()
      }
      if (method === 'notifications/cancelled') {
        await new Promise((resolve) => setTimeout(resolve, 300))
        heard.push(response.destroyed ? 'broken off' : 'cancelled')
      }
      if (id === undefined) return response.writeHead(202).end()
      response.writeHead(200, { 'content-type': 'application/json', ...headers })
      return response.end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] }))
    })
    slow.listen(0, '127.0.0.1')
    await once(slow, 'listening')
    const { port } = slow.address() as AddressInfo
    const interrupt = new AbortController()
    const args = ['call', 'wait', '--era', 'legacy', '--url', `http://127.0.0.1:${port}/mcp`]
    const call = runCli(args, { env, signal: interrupt.signal })
    await called
    interrupt.abort()
    expect(await call).toMatchObject({ code: 130 })
    slow.closeAllConnections()
    slow.close()
    expect(heard).toEqual(order)
  },
)

it('asks a server only for lists that it offers, and says so', async () => {
  const mcp = createMcp({ name: 'bare', version: '1', log: () => {} })
  const bare = await serve(mcp, { port: 0, signals: false, grace: 0 })
  const own = { ...env, MCP_SERVER_URL: `http://127.0.0.1:${bare.port}/mcp` }
  for (const era of ['modern', 'legacy']) {
    const list = (what: string) => runCli(['list', what, '--era', era], { env: own })
    expect(await list('tools')).toMatchObject({ stdout: 'The server has no tools.\n', code: 0 })
    expect(await list('prompts')).toMatchObject({ stdout: 'The server has no prompts.\n', code: 0 })
    expect(await list('resources')).toMatchObject({
      stdout: 'The server has no resources.\n',
      code: 0,
    })
  }
  await bare.close()
})
