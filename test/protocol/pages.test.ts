/** Lists and their pages. */
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { cpuOf, times } from '../support/cpu-time.ts'
import { heldBytes } from '../support/heap.ts'
import { openServer } from '../support/open-server.ts'
import { nonEmpty as value } from '../support/random-text.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

let mcp: Mcp
afterEach(() => mcp?.close({ grace: 0 }))

function serverOf(options: Partial<McpOptions> = {}): Mcp {
  mcp = createMcp({ name: 'scale', version: '1.0.0', ...options })
  return mcp
}

describe('a list that a server does not offer', () => {
  it.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])(
    'refuses %s under that name',
    async (method) => {
      const client = await LegacyClient.open(openServer().endpoint, '2025-11-25')
      const { error } = await (await client.request(method)).answer()
      expect(error).toMatchObject({ code: -32601, message: `Method not found: ${method}` })
    },
  )
})

describe('pages', () => {
  it('hold each item once, for all names and page sizes', async () => {
    const names = fc.uniqueArray(value, { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(names, fc.integer({ min: 1, max: 13 }), async (prompts, pageSize) => {
        const mcp = createMcp({ name: 'pages', version: '1', pageSize })
        for (const name of prompts) mcp.prompt(name, { description: 'x' }, () => 'x')
        const client = new ModernClient(fetchEndpoint(mcp))
        const found: string[] = []
        for (let cursor: string | undefined, more = true; more; ) {
          const result = await (
            await client.request('prompts/list', cursor ? { cursor } : {})
          ).result()
          found.push(...result.prompts.map(({ name }: { name: string }) => name))
          cursor = result.nextCursor
          more = cursor !== undefined
        }
        expect(found).toEqual(prompts)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a list', () => {
  it('costs the same for each item, for lists of any length', async () => {
    const walk = async (items: number) => {
      serverOf({ pageSize: 20 })
      for (let i = 0; i < items; i++) mcp.resource(`file:///${i}`, { name: `r${i}` }, () => 'x')
      const client = new ModernClient(fetchEndpoint(mcp))
      let found = 0
      let cursor: string | undefined
      do {
        const page = await client.request('resources/list', cursor === undefined ? {} : { cursor })
        const { resources, nextCursor } = await page.result()
        found += resources.length
        cursor = nextCursor
      } while (cursor !== undefined)
      expect(found).toBe(items)
    }
    const short = () => times(10, () => walk(1_000))
    await short() // Compiles the code.
    // This took 7 times as long when each page serialized all items.
    expect((await cpuOf(() => walk(10_000))) / (await cpuOf(short))).toBeLessThan(4)
  })
})

describe('a page at the end of a long list', () => {
  it('costs as much as the first ones, also where the list differs by caller', async () => {
    for (const options of [{}, { visible: () => true }]) {
      serverOf({ pageSize: 5 })
      for (let i = 0; i < 20_000; i++) {
        mcp.resource(`file:///${i}`, { name: `r${i}`, ...options }, () => 'x')
      }
      const client = new ModernClient(fetchEndpoint(mcp))
      const pagesFrom = (first: number) =>
        times(100, async (i) => {
          const cursor = btoa(encodeURIComponent(`file:///${first + i}`))
          const { resources } = await (await client.request('resources/list', { cursor })).result()
          expect(resources).toHaveLength(5)
        })
      await pagesFrom(0)
      const start = await cpuOf(() => pagesFrom(1_000))
      // This took 20 times as long when each page was looked for from the beginning.
      expect((await cpuOf(() => pagesFrom(19_000))) / start).toBeLessThan(4)
    }
  })
})

describe('pages that clients choose', () => {
  it('are not all cached', async () => {
    serverOf()
    const description = 'x'.repeat(500)
    for (let i = 0; i < 1_000; i++) {
      mcp.resource(`file:///${i}`, { name: `r${i}`, description }, () => 'x')
    }
    const client = new ModernClient(fetchEndpoint(mcp))
    const keyOf = (i: number) => btoa(encodeURIComponent(`file:///${i}`))
    let written = 0
    const before = heldBytes()
    for (let i = 0; i < 600; i++) {
      const page = await client.request('resources/list', { cursor: keyOf(i) })
      written += JSON.stringify(await page.result()).length
    }
    expect(written).toBeGreaterThan(100e6)
    expect(heldBytes() - before).toBeLessThan(written / 2)
  })
})
