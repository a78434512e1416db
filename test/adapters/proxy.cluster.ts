/** `proxy()` in front of the reference server of the protocol's authors, which is killed and started again. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../../adapters/node.ts'
import { proxy } from '../../adapters/proxy.ts'
import { createMcp } from '../../src/index.ts'
import { freePort } from '../support/free-port.ts'
import { OFFICIAL } from '../support/official-clients.ts'
import { eventually } from '../support/wire.ts'

const EVERYTHING = fileURLToPath(
  new URL(
    '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
    import.meta.url,
  ),
)
/** The server listens on all interfaces, unless something in its process says otherwise. */
const ON_LOOPBACK = `data:text/javascript,${encodeURIComponent(`
import net from 'node:net'
const { listen } = net.Server.prototype
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, Number(port), '127.0.0.1', ...rest)
}`)}`

let remote: ChildProcess
let port: number
let url: string
const open: { close(): Promise<unknown> }[] = []

async function start(): Promise<void> {
  remote = spawn(process.execPath, ['--import', ON_LOOPBACK, EVERYTHING, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: 'ignore',
  })
  await eventually(() => fetch(`http://127.0.0.1:${port}/mcp`), 30_000)
}

async function kill(): Promise<void> {
  remote.kill('SIGKILL')
  await once(remote, 'exit')
}

beforeAll(async () => {
  port = await freePort()
  await start()
  const mcp = createMcp({ name: 'front', version: '1.0.0', log: () => {} })
  open.push(
    await proxy(mcp, `http://127.0.0.1:${port}/mcp`, {
      prefix: 'all_',
      without: ['tasks'],
      // It runs only as a task of its own server.
      tools: ({ name }) => name !== 'simulate-research-query' && {},
    }),
  )
  const server = await serve(mcp, { port: 0, grace: 0, signals: false })
  open.push(server)
  url = `http://127.0.0.1:${server.port}/mcp`
})

afterAll(async () => {
  await Promise.all(open.map((one) => one.close()))
  await kill()
})

describe.each(OFFICIAL)('server-everything behind a proxy, for %s', (_, _era, opens) => {
  it('passes the calls of an official client, also after it was killed and started again', async () => {
    const client = await opens(url, {
      elicit: () => ({ action: 'accept', content: { name: 'Ann' } }),
      sample: () => 'written by the model',
    })
    const use = async () => {
      expect((await client.call('all_echo', { message: 'hello' })).content[0]?.text).toContain(
        'hello',
      )
      expect(
        await client.call('all_get-structured-content', { location: 'Chicago' }),
      ).toMatchObject({
        structuredContent: { temperature: expect.any(Number) },
      })
      const progress: number[] = []
      const args = { duration: 0.2, steps: 2 }
      await client.call('all_trigger-long-running-operation', args, (done) => progress.push(done))
      expect(progress.at(-1)).toBe(2)
      const sampled = await client.call('all_trigger-sampling-request', { prompt: 'A rhyme' })
      expect(JSON.stringify(sampled)).toContain('written by the model')
      expect(JSON.stringify(await client.call('all_trigger-elicitation-request'))).toContain('Ann')
      expect((await client.list('prompts')).length).toBeGreaterThan(1)
      expect((await client.list('resourceTemplates')).length).toBeGreaterThan(0)
      expect(await client.prompt('all_args-prompt', { city: 'Oslo' })).toContain('Oslo')
    }
    await use()
    await kill()
    expect(await client.call('all_echo', { message: 'hello' })).toMatchObject({ isError: true })
    await start()
    await use()
    await client.close()
  })
})
