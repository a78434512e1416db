/** `npm run test:runtimes`: the core of both eras on Bun, Deno and workerd, from a bundle without code for a host. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestEndpoint, WireClient } from '../support/wire.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'
import type { Runtime } from './runtime.ts'
import { RUNTIMES, startRuntime } from './runtime.ts'

const ERAS = ['2025-11-25', '2026-07-28'] as const

async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('server.ts', import.meta.url))],
    outfile: join(folder, 'server.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    target: 'es2022',
  })
}

function connect(endpoint: TestEndpoint, revision: (typeof ERAS)[number]): Promise<WireClient> {
  const options = { capabilities: { elicitation: {} } }
  return revision === '2026-07-28'
    ? Promise.resolve(new ModernClient(endpoint, options))
    : LegacyClient.open(endpoint, revision, options)
}

describe.concurrent.each(RUNTIMES)('on %s', (runtime: Runtime) => {
  let folder = ''
  let stop = async () => {}
  let endpoint: TestEndpoint = { url: '', fetch, close: async () => {} }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'streamable-mcp-runtime-'))
    await bundle(folder)
    const started = await startRuntime(runtime, folder)
    stop = started.stop
    endpoint = { ...endpoint, url: started.url }
  }, 60_000)
  afterAll(async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  })

  describe.each(ERAS)('a client of %s', (revision) => {
    it('lists what the server offers', async () => {
      const client = await connect(endpoint, revision)
      const names = async (method: string, key: string) =>
        (await (await client.request(method)).result())[key].map(
          ({ name }: { name: string }) => name,
        )
      expect(await names('tools/list', 'tools')).toEqual(['add', 'count', 'greet_person', 'rest'])
      expect(await names('prompts/list', 'prompts')).toEqual(['plain'])
      expect(await names('resources/list', 'resources')).toEqual(['text'])
    })

    it('gets the result of a call', async () => {
      const client = await connect(endpoint, revision)
      const result = await (await client.call('add', { a: 1, b: 2 })).result()
      expect(result.content).toEqual([{ type: 'text', text: '3' }])
    })

    it('gets progress and the result on a stream', async () => {
      const client = await connect(endpoint, revision)
      const reply = await client.call('count', {}, { meta: { progressToken: 1 } })
      expect(reply.streams).toBe(true)
      const messages = await reply.rest()
      expect(
        messages.map(({ params, result }) => params?.progress ?? result.content[0].text),
      ).toEqual([1, 2, 3, 'counted'])
    })

    it('answers a question', async () => {
      const client = await connect(endpoint, revision)
      const params = { name: 'greet_person', arguments: {} }
      const { answer } = await client.converse('tools/call', params, () => ({
        action: 'accept',
        content: { name: 'Ann' },
      }))
      expect(answer.result.content[0].text).toBe('Hello, Ann!')
    })

    it('gets the result of a call that sends nothing for 25 seconds', async () => {
      const client = await connect(endpoint, revision)
      const result = await (await client.call('rest')).result()
      expect(result.content[0].text).toBe('rested')
    })
  })
})
