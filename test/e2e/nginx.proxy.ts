/** Debian's nginx in front, with the configuration that docs/proxies.md shows. Called by `npm run test:proxy`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import { createMcp, oauth } from '../../src/index.ts'
import { BLOCKS } from '../support/docs.ts'
import { freePort } from '../support/free-port.ts'
import { OFFICIAL } from '../support/official-clients.ts'
import type { TestEndpoint } from '../support/wire.ts'
import { eventually, LegacyClient, ModernClient } from '../support/wire.ts'

const BLOCK = BLOCKS.find(({ language }) => language === 'nginx')?.code ?? ''

const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

/** nginx with this block, in front of a port. Returns the base URL. */
async function startNginx(block: string, upstream: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'))
  const port = await freePort()
  const config = block
    .replace('127.0.0.1:3000', `127.0.0.1:${upstream}`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('server_name mcp.example.com;', 'server_name mcp.example.com localhost 127.0.0.1;')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n')
  const whole = `pid ${folder}/pid;\nerror_log ${folder}/error.log;\nevents {}\nhttp {\naccess_log off;\n${paths}\n${config}\n}\n`
  const file = join(folder, 'nginx.conf')
  await writeFile(file, whole)
  const nginx = spawn(
    'nginx',
    ['-c', file, '-p', folder, '-g', 'daemon off; master_process off;'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let complaints = ''
  nginx.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk
  })
  const exited = once(nginx, 'exit')
  closers.push(async () => {
    nginx.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true })
  })
  const base = `http://127.0.0.1:${port}`
  await eventually(async () => {
    if (nginx.exitCode !== null) throw new Error(complaints)
    await fetch(base)
  })
  return base
}

/** Tells a running call to go on. */
let release = () => {}
let cancelled = 0
let serving: NodeServer

async function startServer(): Promise<NodeServer> {
  const mcp = createMcp({ name: 'behind', version: '1.0.0', log: () => {} })
  mcp.tool('step', { description: 'Sends each event when it is told to' }, async (_, ctx) => {
    for (let done = 1; done <= 3; done++) {
      ctx.progress(done, 3)
      await new Promise<void>((resolve) => {
        release = resolve
      })
    }
    return 'done'
  })
  mcp.tool('wait', { description: 'Waits for its cancellation' }, async (_, ctx) => {
    ctx.progress(1)
    await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
    cancelled++
    return ''
  })
  mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
    const answer = await ctx.elicit('Sure?', v.object({ sure: v.boolean() }))
    return answer.action
  })
  mcp.tool('announce', { description: 'Tells of a change' }, async (_, ctx) => {
    await ctx.notify.toolsChanged()
    return 'told'
  })
  return serve(mcp, { port: 0, trustProxy: true, signals: false, grace: 0 })
}

beforeAll(async () => {
  serving = await startServer()
  closers.push(serving.close)
})

describe.each([
  ['as documented', BLOCK],
  // The header X-Accel-Buffering of the reply does it alone.
  ['with its own buffering', BLOCK.replace('proxy_buffering off;', '')],
])('nginx %s', (_, block) => {
  let endpoint: TestEndpoint
  beforeAll(async () => {
    const base = await startNginx(block, serving.port)
    endpoint = { url: `${base}/mcp`, fetch, close: async () => {} }
  })

  it.each(['legacy', 'modern'] as const)(
    'sends each event of a %s call as it comes',
    async (era) => {
      const client =
        era === 'legacy'
          ? await LegacyClient.open(endpoint, '2025-11-25')
          : new ModernClient(endpoint)
      const reply = await client.call('step', {}, { meta: { progressToken: 'p' } })
      expect(reply.header('content-type')).toBe('text/event-stream')
      // The handler goes on only after its event was seen on this side, so no buffer can hold it.
      for (let done = 1; done <= 3; done++) {
        const { params } = await reply.notification('notifications/progress')
        expect(params.progress).toBe(done)
        release()
      }
      expect((await reply.result()).content[0].text).toBe('done')
    },
  )

  it('closes its connection when a 2026 client leaves, so that the call is cancelled', async () => {
    const before = cancelled
    const client = new ModernClient(endpoint)
    const reply = await client.call('wait', {}, { meta: { progressToken: 'p' } })
    await reply.notification('notifications/progress')
    await reply.leave()
    await eventually(async () => expect(cancelled).toBe(before + 1))
  })

  it.each(OFFICIAL)(
    'serves the official client %s, its questions and changes',
    async (_name, era, open) => {
      const client = await open(endpoint.url, {
        elicit: () => ({ action: 'accept', content: { sure: true } }),
      })
      expect(client.era).toBe(era)
      expect((await client.call('ask')).content[0]?.text).toBe('accept')
      await client.listen()
      await eventually(async () => {
        await client.call('announce')
        expect(client.heard).toContain('notifications/tools/list_changed')
      })
      await client.close()
    },
  )

  it('passes nothing else to the server', async () => {
    expect((await fetch(new URL('/elsewhere', endpoint.url))).status).toBe(404)
  })
})

describe('nginx that compresses streams', () => {
  it('holds an event back, which shows that these tests can tell', async () => {
    const compressing =
      'gzip on; gzip_proxied any; gzip_min_length 0; gzip_types text/event-stream; proxy_ignore_headers X-Accel-Buffering;'
    const base = await startNginx(BLOCK.replace('proxy_buffering off;', compressing), serving.port)
    const client = new ModernClient({ url: `${base}/mcp`, fetch, close: async () => {} })
    const calling = client.call('step', {}, { meta: { progressToken: 'p' } })
    const first = calling.then((reply) => reply.notification('notifications/progress'))
    const timeout = new Promise((resolve) => setTimeout(() => resolve('held back'), 1_000))
    expect(await Promise.race([first, timeout])).toBe('held back')
    const going = setInterval(() => release(), 10)
    await first
    expect((await (await calling).result()).content[0].text).toBe('done')
    clearInterval(going)
  })
})

describe('the public URL', () => {
  it('is what nginx says, in the metadata of authorization', async () => {
    const auth = oauth({ issuer: 'https://issuer.example.com' })
    const mcp = createMcp({ name: 'guarded', version: '1.0.0', auth, log: () => {} })
    const guarded = await serve(mcp, { port: 0, trustProxy: true, signals: false, grace: 0 })
    closers.push(guarded.close)
    const base = await startNginx(BLOCK, guarded.port)
    const refused = await fetch(`${base}/mcp`, { method: 'POST', body: '{}' })
    expect(refused.status).toBe(401)
    const challenge = refused.headers.get('www-authenticate') ?? ''
    expect(challenge).toContain('resource_metadata="http://127.0.0.1/.well-known/')
    const { pathname } = new URL(/resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '')
    const metadata = await (await fetch(`${base}${pathname}`)).json()
    expect(metadata.resource).toBe('http://127.0.0.1/mcp')
  })
})
