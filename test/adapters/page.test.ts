/** The page for people, as HTTP: who gets it, with which headers, and that the protocol never does. */
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PageOptions } from '../../adapters/page.ts'
import { page } from '../../adapters/page.ts'
import { coreSize } from '../../bench/bundle.ts'
import type { BuiltPage } from '../../page/build.ts'
import { buildPage } from '../../page/build.ts'
import type { McpOptions } from '../../src/index.ts'
import { bearer, createMcp, oauth } from '../../src/index.ts'

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

let built: BuiltPage
beforeAll(async () => {
  built = await buildPage()
})

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function serverWith(options: Partial<McpOptions> = {}) {
  const mcp = createMcp({ name: 'looked-at', version: '1.0.0', ...options })
  closing.push(() => mcp.close({ grace: 0 }))
  return mcp
}

async function get(
  headers: Record<string, string> = HTML,
  { url = 'http://localhost:3000/mcp', ...more }: PageOptions & { url?: string } = {},
  options: Partial<McpOptions> = {},
) {
  return serverWith({ page: page(more), ...options }).fetch(new Request(url, { headers }))
}

describe('a browser on the same machine', () => {
  it.each(['localhost:3000', '127.0.0.1:3000', '[::1]:3000'])(
    'gets the page at %s',
    async (host) => {
      const response = await get(HTML, { url: `http://${host}/mcp` })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await response.text()).toBe(built.html)
    },
  )

  it('gets it compressed where it says that it can read this', async () => {
    const response = await get({ ...HTML, 'accept-encoding': 'br, gzip' })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(gunzipSync(bytes).toString()).toBe(built.html)
  })

  it('gets at most 70 KB', () => {
    expect(built.compressed).toBeLessThan(70_000)
  })

  it('gets a policy that allows the one script and the one style sheet, and nothing from elsewhere', async () => {
    const { headers } = await get()
    const policy = headers.get('content-security-policy') ?? ''
    const hashOf = (tag: string) => {
      const [, text = ''] = new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 's').exec(built.html) ?? []
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    }
    expect(policy.split('; ')).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        `script-src ${hashOf('script')}`,
        `style-src ${hashOf('style')}`,
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'none'",
        "base-uri 'none'",
      ]),
    )
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-cache')
  })

  it('gets it without a token, because it holds nothing of the server', async () => {
    const auth = bearer({ tokens: [{ token: 'a-token-of-the-test', subject: 'test' }] })
    expect((await get(HTML, {}, { auth })).status).toBe(200)
    expect(built.html).not.toContain('looked-at')
  })

  it('may log in at the issuers that the server names, and at further origins', async () => {
    const auth = oauth({
      issuer: 'https://login.example.com/tenant',
      resource: 'http://localhost:3000/mcp',
    })
    const { headers } = await get(HTML, { connectTo: ['https://tokens.example.com'] }, { auth })
    expect(headers.get('content-security-policy')).toContain(
      "connect-src 'self' https://tokens.example.com https://login.example.com;",
    )
    expect(() => page({ connectTo: ['https://a.example.com/path'] })).toThrow(TypeError)
    expect(() =>
      page({ connectTo: ["https://a.example.com; script-src 'unsafe-inline'"] }),
    ).toThrow(TypeError)
  })
})

describe('a browser elsewhere', () => {
  const url = 'https://mcp.example.com/mcp'
  const allowedHosts = ['mcp.example.com', 'localhost']

  it('gets what the protocol answers, unless the page is shown everywhere', async () => {
    const plain = await serverWith({ allowedHosts }).fetch(new Request(url, { headers: HTML }))
    const local = await get(HTML, { url }, { allowedHosts })
    expect([local.status, await local.text()]).toEqual([plain.status, await plain.text()])
    const everywhere = await get(HTML, { url, show: 'everywhere' }, { allowedHosts })
    expect(everywhere.headers.get('content-type')).toMatch('text/html')
  })

  it.each(['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'])(
    'is known by the header %s of a proxy that names the loopback',
    async (name) => {
      const response = await get({ ...HTML, [name]: '203.0.113.9' })
      expect(response.headers.get('content-type')).not.toMatch('text/html')
    },
  )

  it('is refused for a foreign Host before the page is looked at', async () => {
    const response = await get(HTML, { url, show: 'everywhere' })
    expect(response.status).toBe(403)
  })

  it('is not at this machine where the host knows its public URL', async () => {
    const mcp = serverWith({ page: page() })
    const request = new Request('http://localhost/mcp', { headers: HTML })
    const response = await mcp.fetch(request, { platform: { baseUrl: 'https://api.example.com' } })
    expect(response.headers.get('content-type')).not.toMatch('text/html')
  })
})

describe('a client of the protocol', () => {
  const ACCEPTS = [
    undefined,
    '*/*',
    'application/json',
    'text/event-stream',
    'application/json, text/event-stream',
    'text/event-stream, text/html',
  ]

  it.each(ACCEPTS)('gets the same for GET with Accept %s as without the page', async (accept) => {
    const headers = accept === undefined ? {} : { accept }
    const request = () => new Request('http://localhost/mcp', { headers })
    const without = await serverWith().fetch(request())
    const response = await serverWith({ page: page() }).fetch(request())
    expect([response.status, [...response.headers]]).toEqual([without.status, [...without.headers]])
    expect(await response.text()).toBe(await without.text())
  })

  it.each(ACCEPTS)('is recognized at once for Accept %s, so nothing is loaded', (accept) => {
    const headers = accept === undefined ? {} : { accept }
    expect(page().respond(new Request('http://localhost/mcp', { headers }))).toBeUndefined()
    const post = { method: 'POST', headers: HTML, body: '{}' }
    expect(page().respond(new Request('http://localhost/mcp', post))).toBeUndefined()
  })

  it('never asks the page for a POST or a DELETE', async () => {
    const asked: string[] = []
    const mcp = serverWith({
      page: {
        respond({ method }) {
          asked.push(method)
          return undefined
        },
      },
    })
    for (const method of ['POST', 'DELETE', 'OPTIONS', 'PUT', 'GET']) {
      await mcp.fetch(new Request('http://localhost/mcp', { method }))
    }
    expect(asked).toEqual(['GET'])
  })

  it('reads none of the page at the start of the process', async () => {
    const options = { bundle: true, splitting: true, write: false, metafile: true } as const
    const { metafile } = await build({
      ...options,
      entryPoints: ['adapters/page.ts'],
      format: 'esm',
      outdir: 'bundle',
      minify: true,
      platform: 'browser',
      external: ['valibot', '@valibot/to-json-schema', 'jose', '@cfworker/json-schema'],
    })
    const asset = Object.values(metafile.outputs).find(
      ({ entryPoint }) => entryPoint === 'adapters/page/asset.js',
    )
    const holders = Object.values(metafile.outputs).filter(({ inputs }) =>
      Object.keys(inputs).some((path) => path.includes('asset')),
    )
    expect(holders).toEqual([asset])
    // The core does not know the module at all.
    expect((await coreSize()).imports).not.toContain('adapters/page.ts')
  })
})

describe('the frame of an App', () => {
  it('has an opaque origin, no network and no other page around it', async () => {
    const response = await get(HTML, { url: 'http://localhost:3000/mcp?app-frame' })
    const policy = response.headers.get('content-security-policy')?.split('; ')
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        'sandbox allow-scripts',
        "frame-ancestors 'self'",
        "webrtc 'block'",
      ]),
    )
    expect(policy?.some((part) => part.startsWith('connect-src'))).toBe(false)
    expect(await response.text()).toMatch(/^<!doctype html>/)
  })
})
