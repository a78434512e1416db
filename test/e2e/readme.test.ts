/** What README and the examples show is what runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Mcp } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const readme = readFileSync('README.md', 'utf8')
const scripts = JSON.parse(readFileSync('package.json', 'utf8')).scripts as Record<string, string>
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)

const folder = mkdtempSync(join('test', '.readme-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function call(mcp: Mcp, params: Record<string, unknown>) {
  const client = new ModernClient(fetchEndpoint(mcp), { capabilities: { elicitation: {} } })
  return (await client.request('tools/call', params)).result()
}

async function load(code: string | undefined, name: string): Promise<Mcp> {
  const file = join(folder, `${name}.ts`)
  writeFileSync(file, code ?? '')
  return (await import(/* @vite-ignore */ resolve(file))).default
}

describe('README', () => {
  it('shows a server that answers', async () => {
    const mcp = await load(blocks[0], 'first')
    const result = await call(mcp, { name: 'get_weather', arguments: { city: 'Bern' } })
    expect(result.content).toEqual([{ type: 'text', text: 'The temperature in Bern is 21°C' }])
  })

  it('shows a question that runs its step once', async () => {
    const mcp = await load(blocks[1], 'second')
    const params = { name: 'deploy', arguments: { version: '2.0' } }
    const asked = await call(mcp, params)
    expect(asked.resultType).toBe('input_required')
    const [key = ''] = Object.keys(asked.inputRequests as object)
    const result = await call(mcp, {
      ...params,
      inputResponses: { [key]: { action: 'accept', content: { sure: true } } },
      requestState: asked.requestState,
    })
    expect(result.content).toEqual([{ type: 'text', text: 'Deployed 2.0 (T-1)' }])
  })

  it('has no other code than what is run here', () => {
    expect(blocks).toHaveLength(2)
  })

  it('names only scripts and files that exist', () => {
    const named = [...readme.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(
      ([, name = '']) => name,
    )
    expect(named.length).toBeGreaterThan(1)
    expect(named.filter((name) => !scripts[name])).toEqual([])
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => path)
    expect(links.length).toBeGreaterThan(8)
    expect(links.filter((path) => !existsSync(path))).toEqual([])
  })

  it('names every variable the environment is read for, and no other', () => {
    const source = [
      'adapters/environment/options.ts',
      'adapters/environment/auth.ts',
      'reference/config.ts',
    ]
      .map((file) => readFileSync(file, 'utf8'))
      .join()
    const rows = [...readme.matchAll(/^\| (`[A-Z][^|]*) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name),
    )
    const read = [...source.matchAll(/\benv\.([A-Z_]+)|'((?:MCP|COGNITO|BEDROCK)_[A-Z_]+)'/g)]
      .map(([, plain, quoted]) => plain ?? quoted ?? '')
      .filter((name) => !name.endsWith('_'))
    expect(read.length).toBeGreaterThan(15)
    expect(read.filter((name) => name !== 'MCP_DISABLED_TOOLS' && !rows.includes(name))).toEqual([])
    // the SDK reads this one; the others stand in the source, some without their prefix
    const known = rows.filter((name) => name !== 'AWS_ENDPOINT_URL_DYNAMODB')
    const stem = (name: string) => name.replace(/^(MCP|COGNITO)_/, '')
    expect(known.filter((name) => !source.includes(stem(name)))).toEqual([])
  })
})

describe('the embedding example', () => {
  it('serves its own routes and the endpoint below its path, and stops though somebody listens', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'examples/embed/server.ts'], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [line] = await once(child.stdout, 'data')
      const url = String(line).trim()
      expect(await (await fetch(new URL('/', url))).text()).toBe('The shop')
      const client = await LegacyClient.open({ url, fetch, close: async () => {} }, '2025-11-25')
      expect(client.server.serverInfo.name).toBe('shop')
      const stream = await client.get()
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit')
      expect(code).toBe(0)
      expect(await stream.rest()).toEqual([])
    } finally {
      child.kill('SIGKILL')
    }
  })
})
