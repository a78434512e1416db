/**
 * Limits on the cost of a call, in figures that do not depend on the load of the machine: heap, timers,
 * streams, serialization, bytes of the bundle. `store-budget.test.ts` counts store operations.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { coreSize } from '../bench/bundle.ts'
import { buildPage } from '../page/build.ts'
import type { Mcp } from '../src/index.ts'
import { createMcp } from '../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from './support/wire.ts'

const run = promisify(execFile)

describe("the heap that a call takes in addition to bare Hono's", () => {
  it('stays within bounds in both eras', async () => {
    const room = ['--min-semi-space-size=64', '--max-semi-space-size=64']
    const script = fileURLToPath(new URL('support/allocation.ts', import.meta.url))
    const flags = ['--expose-gc', ...room, '--import', 'tsx']
    const { stdout } = await run(process.execPath, [...flags, script])
    const { modern, legacy, modernLater, legacyLater, observed } = JSON.parse(stdout)
    // Measured 7.4 and 9.5 KB with a value, 13.4 and 15.9 KB with a promise (the more of Node 20 and 24).
    // Everything but the synchronous fast path is async: its promises replaced chains of callbacks that
    // made 19 to 29 frames of a stack trace.
    expect(modern).toBeLessThan(9_000)
    expect(legacy).toBeLessThan(10_500)
    expect(modernLater).toBeLessThan(15_000)
    expect(legacyLater).toBeLessThan(17_000)
    // What observers are told costs only a call that is observed; the bounds above are older than they.
    expect(modern).toBeLessThan(observed - 1_000)
  })
})

describe('one call', () => {
  let mcp: Mcp
  beforeEach(() => {
    mcp = createMcp({ name: 'budget', version: '1.0.0' })
    const input = v.object({ a: v.number() })
    mcp.tool('now', { description: 'Returns a value', input }, ({ a }) => a)
    mcp.tool('later', { description: 'Returns a promise', input }, async ({ a }) => a)
    mcp.tool('loud', { description: 'Tells its progress' }, (_, ctx) => {
      ctx.progress(1)
      return 'told'
    })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    await mcp.close({ grace: 0 })
  })

  it.each(['now', 'later'])('%s makes no stream of ours for a JSON reply', async (name) => {
    const endpoint = fetchEndpoint(mcp)
    const legacy = await LegacyClient.open(endpoint, '2025-11-25')
    const modern = new ModernClient(endpoint)
    let made = 0
    const counted = new Proxy(ReadableStream, {
      construct(target, [source, strategy]) {
        // Node's own Response wraps a text in a stream of bytes, the Node adapter's does not.
        if (source?.type !== 'bytes') made++
        return Reflect.construct(target, [source, strategy])
      },
    })
    vi.stubGlobal('ReadableStream', counted)
    expect(await (await legacy.call(name, { a: 1 })).result()).toMatchObject({})
    expect(await (await modern.call(name, { a: 1 })).result()).toMatchObject({})
    expect(made).toBe(0)
    const reply = await modern.call('loud', {}, { meta: { progressToken: 1 } })
    expect((await reply.rest()).map(({ method }) => method)).toEqual([
      'notifications/progress',
      undefined,
    ])
    expect(made).toBe(1)
  })

  it('that answers at once sets no timer, and one that takes time sets two', async () => {
    const endpoint = fetchEndpoint(mcp)
    const legacy = await LegacyClient.open(endpoint, '2025-11-25')
    const modern = new ModernClient(endpoint)
    const set = vi.spyOn(globalThis, 'setTimeout')
    await legacy.call('now', { a: 1 })
    await modern.call('now', { a: 1 })
    expect(set).not.toHaveBeenCalled()
    await modern.call('later', { a: 1 })
    // One timer is the call's time limit, the other one the moment at which it becomes a stream.
    expect(set).toHaveBeenCalledTimes(2)
  })

  it('reads no signal of its request, as that makes a whole Request on Node', async () => {
    let reads = 0
    const counting: Mcp = {
      ...mcp,
      fetch(request: Request, env?: Parameters<Mcp['fetch']>[1]) {
        const { signal } = request
        Object.defineProperty(request, 'signal', {
          get() {
            reads++
            return signal
          },
        })
        return mcp.fetch(request, env)
      },
    }
    const endpoint = fetchEndpoint(counting)
    const legacy = await LegacyClient.open(endpoint, '2025-11-25')
    const modern = new ModernClient(endpoint)
    for (const name of ['now', 'later']) {
      expect(await (await legacy.call(name, { a: 1 })).result()).toMatchObject({})
      expect(await (await modern.call(name, { a: 1 })).result()).toMatchObject({})
    }
    expect(reads).toBe(0)
    await modern.request('subscriptions/listen', { notifications: { toolsListChanged: true } })
    expect(reads).toBeGreaterThan(0)
  })

  it('of tools/list writes the list as JSON once, until a tool is added or removed', async () => {
    const modern = new ModernClient(fetchEndpoint(mcp))
    const written = vi.spyOn(JSON, 'stringify')
    const lists = () =>
      written.mock.calls.filter(([value]) => typeof value === 'object' && value && 'tools' in value)
    for (let i = 0; i < 3; i++) await modern.request('tools/list')
    expect(lists()).toHaveLength(1)
    mcp.tool('more', { description: 'Another one' }, () => 1)
    for (let i = 0; i < 3; i++) await modern.request('tools/list')
    expect(lists()).toHaveLength(2)
  })
})

describe('the function of the API on Lambda', () => {
  it('reads only the option of the code that starts tasks at its start, and none that runs them', async () => {
    await buildPage()
    const { metafile } = await build({
      entryPoints: { index: 'reference/entry/lambda.ts' },
      ...{ bundle: true, minify: true, splitting: true, write: false, metafile: true },
      ...{ format: 'esm', platform: 'node', outdir: 'dist', external: ['@aws-sdk/*'] },
    })
    const read = new Set<string>()
    const add = (path: string): void => {
      if (read.has(path)) return
      read.add(path)
      for (const { path: next, kind } of metafile.outputs[path]?.imports ?? []) {
        if (kind === 'import-statement' && next in metafile.outputs) add(next)
      }
    }
    add('dist/index.js')
    const bytes = Object.fromEntries(
      [...read].flatMap((path) =>
        Object.entries(metafile.outputs[path]?.inputs ?? {})
          .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
          .map(([source, { bytesInOutput }]) => [source, bytesInOutput]),
      ),
    )
    expect(bytes).toHaveProperty(['adapters/lambda.ts'])
    const tasks = Object.keys(bytes).filter((source) => /durable|runner|src\/tasks/.test(source))
    expect(tasks.sort()).toEqual(['adapters/lambda-runner.ts', 'src/tasks/in-process.ts'])
    expect(bytes['adapters/lambda-runner.ts']).toBeLessThan(450)
    expect(Object.keys(metafile.inputs).join()).not.toContain('@aws/durable-execution')
  })
})

describe('the core in a bundle', () => {
  it('is small compared with Hono, and imports only the schema converter at the start', async () => {
    const { atStart, withEras, withAll, imports } = await coreSize()
    expect(new Set(imports)).toEqual(new Set(['@valibot/to-json-schema']))
    // The budgets of the design.
    expect(atStart).toBeLessThan(40 * 1024)
    expect(withEras).toBeLessThan(75 * 1024)
    // A bound on growth.
    // The code of durable calls is 30 KB of it, that of suspended calls 8 KB, that of idempotency keys 2 KB,
    // that of middleware 3 KB, that of catalogs per caller 7 KB, that of tool search 4 KB.
    expect(withAll).toBeLessThan(246 * 1024)
  })
})
