/** Tasks in the command-line client: followed, detached, asked, cancelled, listed, in both eras. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TaskList } from '../../cli/src/task-list.ts'
import { runCli } from '../support/cli-run.ts'
import { startCliServer } from '../support/cli-server.ts'
import type { Terminal } from '../support/cli-terminal.ts'
import { openTerminal, temporaryHome } from '../support/cli-terminal.ts'

const server = await startCliServer()
const task = { pollEvery: 100, waitFor: 300 }
let release = (): void => {}
let cancelled = 0
server.mcp.tool(
  'build',
  { description: 'Builds', input: v.object({ what: v.string() }), task },
  async ({ what }, ctx) => {
    ctx.progress(1, 2, `Laying ${what}`)
    await ctx.step('build', ({ signal }) => {
      return new Promise<void>((resolve, reject) => {
        release = resolve
        signal.addEventListener('abort', () => {
          cancelled += 1
          reject(signal.reason)
        })
      })
    })
    return `${what} built`
  },
)
server.mcp.tool('quick', { description: 'Ends at once', task }, () => 'done')
server.mcp.tool('breaks', { description: 'Fails', task }, () => {
  throw new Error('secret reason')
})
server.mcp.tool('order', { description: 'Asks', task }, async (_, ctx) => {
  const form = v.object({ size: v.picklist(['S', 'L']) })
  const answer = await ctx.elicit('Which size?', form, { key: 'size' })
  return answer.action === 'accept' ? `size ${answer.content.size}` : answer.action
})
afterAll(() => server.close())

let home: Awaited<ReturnType<typeof temporaryHome>>
let env: Record<string, string>
let terminal: Terminal | undefined
beforeEach(async () => {
  home = await temporaryHome()
  env = { MCP_SERVER_URL: server.url, STREAMABLE_MCP_HOME: home.path }
  cancelled = 0
})
afterEach(async () => {
  terminal?.close()
  terminal = undefined
  await home.remove()
})

const cli = (...args: string[]) => runCli(args, { env })

/** Starts a task that does not end, and returns its id. */
async function detached(era: string): Promise<string> {
  const { code, stdout } = await cli('call', 'build', 'what=wall', '--detach', '--era', era)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^[\w-]{24}\n$/)
  return stdout.trim()
}

async function open(...args: string[]): Promise<Terminal> {
  terminal = openTerminal(args, env)
  await terminal.sees(/Connected to .*\n/)
  await terminal.sees('> ')
  return terminal
}

describe.each(['modern', 'legacy'])('in the %s era', (era) => {
  it('prints the result of a call that becomes a task', async () => {
    expect(await cli('call', 'quick', '--era', era)).toMatchObject({ code: 0, stdout: 'done\n' })
    const json = await cli('call', 'quick', '--era', era, '--json')
    expect(json.json()).toMatchObject({ content: [{ type: 'text', text: 'done' }] })
  })

  it('follows a call that takes longer than the server waits', { timeout: 30_000 }, async () => {
    const running = cli('call', 'build', 'what=wall', '--era', era)
    setTimeout(() => release(), 1_500)
    expect(await running).toMatchObject({ code: 0, stdout: 'wall built\n' })
  })

  it('reports a task that failed, with the code 1', async () => {
    const { code, stdout, stderr } = await cli('call', 'breaks', '--era', era)
    expect(code).toBe(1)
    expect(`${stdout}${stderr}`).toContain('failed')
    expect(`${stdout}${stderr}`).not.toContain('secret reason')
  })

  it.each([
    ['task', 'cancel'],
    ['get-task', 'cancel-task'],
  ])(
    'gets a detached task with `%s`, and ends it with `%s`',
    {
      timeout: 30_000,
    },
    async (get, cancel) => {
      const id = await detached(era)
      const state = await cli(get, id, '--detach', '--json', '--era', era)
      expect(state.json()).toMatchObject({ taskId: id, status: 'working' })
      const waiting = cli(get, id, '--era', era)
      setTimeout(() => release(), 500)
      expect(await waiting).toMatchObject({ code: 0, stdout: 'wall built\n' })
      // The result can be fetched again.
      expect(await cli(get, id, '--era', era)).toMatchObject({ code: 0, stdout: 'wall built\n' })

      const other = await detached(era)
      expect(await cli(cancel, other, '--era', era)).toMatchObject({ code: 0 })
      const ended = await cli(get, other, '--era', era)
      expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('was cancelled') })
    },
  )

  it('says that an unknown task is unknown', async () => {
    const { code, stdout, stderr } = await cli('task', 'x'.repeat(24), '--era', era)
    expect(code).toBe(1)
    expect(`${stdout}${stderr}`).toContain('Unknown task')
    expect((await cli('cancel', 'x'.repeat(24), '--era', era)).code).toBe(1)
    expect((await cli('task', '--era', era)).code).toBe(2)
    expect((await cli('cancel', '--era', era)).code).toBe(2)
  })

  it('asks the questions of a task in a form', { timeout: 60_000 }, async () => {
    const person = await open('--era', era)
    person.enter('call order')
    await person.sees('? Which size?')
    await person.sees('[one of these] ')
    person.enter('2')
    await person.sees('size L')
  })

  it('cancels the task of a call on Ctrl+C', { timeout: 60_000 }, async () => {
    const person = await open('--era', era)
    person.enter('call build what=roof')
    // By now the server has given the handle, also to a client of 2025.
    await person.sees('Ctrl+C cancels it')
    person.type('\u0003')
    await person.sees('Cancelled.')
    await expect.poll(() => cancelled).toBe(1)
    await person.sees('> ')
    person.enter('greet Ann')
    await person.sees('Hello, Ann!')
  })

  it('leaves a task on Ctrl+C that was not started by this call', {
    timeout: 60_000,
  }, async () => {
    const id = await detached(era)
    const person = await open('--era', era)
    person.enter(`task ${id}`)
    await person.sees('working')
    person.type('\u0003')
    await person.sees(`The task goes on; \`cancel ${id}\` ends it.`)
    expect(cancelled).toBe(0)
    release()
    await person.sees('> ')
    person.enter(`task ${id}`)
    await person.sees('wall built')
  })

  it('completes the ids of tasks', { timeout: 30_000 }, async () => {
    const id = await detached(era)
    release()
    for (const command of ['task', 'cancel-task']) {
      expect((await cli('__complete', command, '')).stdout).toBe(`${id}\n`)
    }
    const person = await open('--era', era)
    person.type(`get-task ${id.slice(0, 6)}\t`)
    await person.sees(`get-task ${id}`)
  })
})

it('lists the tasks that were started here, with their state', { timeout: 30_000 }, async () => {
  expect((await cli('tasks')).stdout).toBe('No task was started here.\n')
  const id = await detached('modern')
  await cli('call', 'quick')
  expect((await cli('tasks')).stdout).toMatch(
    new RegExp(`^${id} +build +working.*\\n\\S{24} +quick +completed\\n$`),
  )
  const { tasks } = (await cli('list-tasks', '--json')).json() as { tasks: object[] }
  expect(tasks[0]).toMatchObject({ taskId: id, tool: 'build', status: 'working' })
  release()
  expect((await stat(join(home.path, 'tasks.json'))).mode & 0o777).toBe(0o600)
  expect(await readFile(join(home.path, 'tasks.json'), 'utf8')).not.toContain('wall')
})

it('keeps the newest fifty tasks of each server, and survives a broken file', async () => {
  const list = new TaskList(home.path, 'https://a.example/mcp')
  await new TaskList(home.path, 'https://b.example/mcp').add('other', 'tool')
  for (let index = 0; index < 52; index++) await list.add(`task-${index}`, 'tool')
  await list.add('task-51', 'tool')
  const ids = (await list.all()).map(({ taskId }) => taskId)
  expect(ids).toEqual(Array.from({ length: 50 }, (_, index) => `task-${index + 2}`))
  await writeFile(join(home.path, 'tasks.json'), '{"https://a.example/mcp": [7, {"taskId": 1}]}')
  expect(await list.all()).toEqual([])
  await writeFile(join(home.path, 'tasks.json'), 'broken')
  expect(await list.all()).toEqual([])
})

it('names the question that it cannot answer, and answers it with --answer', {
  timeout: 30_000,
}, async () => {
  const unasked = await cli('call', 'order', '--era', 'modern')
  expect(unasked).toMatchObject({ code: 1, stderr: expect.stringContaining('or with --answer') })
  const answer = ['--answer', '{"size":"S"}', '--era', 'modern']
  const id = (await cli('call', 'order', '--detach', ...answer)).stdout.trim()
  const asked = await cli('task', id, '--era', 'modern')
  expect(asked.code).toBe(1)
  expect(asked.stderr).toContain('The task waits for an answer: Which size?')
  expect(asked.stderr).toContain(`\`task ${id}\` at a terminal, or with --answer`)
  const answered = await cli('task', id, ...answer)
  expect(answered).toMatchObject({ code: 0, stdout: 'size S\n' })
})

it('says that a server has no tasks', async () => {
  const plain = await startCliServer()
  for (const era of ['modern', 'legacy']) {
    const { code, stderr } = await cli('task', 'x', '--url', plain.url, '--era', era)
    expect(code).toBe(1)
    expect(stderr).toContain('This server has no tasks.')
  }
  await plain.close()
})

it('asks again while the server is away', { timeout: 30_000 }, async () => {
  const { url, restart, close } = await startFlakyTasks()
  const running = cli('task', 'some-task', '--url', url, '--era', 'modern')
  await restart
  expect(await running).toMatchObject({ code: 0, stdout: 'survived\n' })
  expect((await running).stderr).toContain('Asking again.')
  close()
})

/** A server of 2026 that fails the first polls with 503, and then has the result. */
async function startFlakyTasks() {
  let polls = 0
  let done = (): void => {}
  const restart = new Promise<void>((resolve) => {
    done = resolve
  })
  const flaky = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { id, method } = JSON.parse(body || '{}') as { id?: number; method?: string }
    const reply = (result: object) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } }),
      )
    }
    if (method === 'server/discover') {
      return reply({
        supportedVersions: ['2026-07-28'],
        capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } },
        serverInfo: { name: 'flaky', version: '1' },
        ttlMs: 0,
        cacheScope: 'private',
      })
    }
    polls += 1
    if (polls < 3) return response.writeHead(503).end()
    done()
    return reply({
      taskId: 'some-task',
      status: 'completed',
      result: { content: [{ type: 'text', text: 'survived' }] },
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => flaky.once('listening', resolve))
  const { port } = flaky.address() as { port: number }
  return { url: `http://127.0.0.1:${port}/mcp`, restart, close: () => flaky.close() }
}
