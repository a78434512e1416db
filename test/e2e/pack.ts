/** `npm run test:pack`: packs the package, installs it in an empty folder, and uses it there. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'streamable-mcp-pack-'))

function expect(what: string, happened: boolean): void {
  if (!happened) throw new Error(`Not so: ${what}.`)
  process.stdout.write(`✓ ${what}\n`)
}

/** A server whose files are deleted while it waits for its first client, as when a new version is deployed. */
const REPLACED = `
import { rename } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { createMcp } from 'streamable-mcp'
import { serve } from 'streamable-mcp/node'

const mcp = createMcp({ name: 'replaced', version: '1' })
const input = { type: 'object', properties: { city: { type: 'string' } } }
mcp.tool('ask', { description: 'Asks in a form', input }, async (_, ctx) => {
  const form = { type: 'object', properties: { name: { type: 'string' } } }
  return (await ctx.elicit('Your name?', form)).action
})
mcp.tool('keep', { description: 'Keeps a value', session: true }, async (_, ctx) => {
  ctx.signal.throwIfAborted()
  await ctx.session.set('key', 1)
  return 'kept'
})
mcp.resource('test://{name}', { name: 'A resource' }, ({ name }) => name)
mcp.prompt('greet', { description: 'Greets' }, () => 'Hello')
const { port, close } = await serve(mcp, { port: 0 })
await setTimeout(2_000)
await rename('node_modules/streamable-mcp/dist', 'node_modules/streamable-mcp/gone')
const send = async (method, params, headers) => {
  const response = await fetch(\`http://127.0.0.1:\${port}/mcp\`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  session ??= response.headers.get('mcp-session-id')
  const { result } = await response.json()
  if (!result || result.isError) throw new Error(method + ' failed')
  return result
}
let session
const clientInfo = { name: 'client', version: '1' }
const legacy = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
const protocolVersion = 'io.modelcontextprotocol/protocolVersion'
const clientCapabilities = 'io.modelcontextprotocol/clientCapabilities'
const capabilities = { elicitation: {} }
const _meta = { [protocolVersion]: '2026-07-28', [clientCapabilities]: capabilities }
const modern = async (method, params, name) => {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
  return send(method, { ...params, _meta }, { ...headers, ...(name && { 'mcp-name': name }) })
}
await send('initialize', legacy)
const old = { 'mcp-session-id': session }
await send('tools/call', { name: 'keep' }, old)
await send('resources/templates/list', {}, old)
await modern('server/discover')
await modern('prompts/get', { name: 'greet' }, 'greet')
await modern('resources/read', { uri: 'test://a' }, 'test://a')
const args = { name: 'ask', arguments: { city: 'Rome' } }
const asked = await modern('tools/call', args, 'ask')
const inputResponses = { 'question-1': { action: 'decline' } }
const answered = { ...args, inputResponses, requestState: asked.requestState }
const { content } = await modern('tools/call', answered, 'ask')
console.log(asked.resultType, content[0].text)
await close()
`

/** Imports each of the given entries, and prints those that export a function. */
const IMPORTING = `
for (const entry of process.argv.slice(2)) {
  if (Object.values(await import(entry)).some((one) => typeof one === 'function')) console.log(entry)
}
`

const server = spawn(process.execPath, ['dist/reference/entry/node.js'], {
  cwd: root,
  env: { ...process.env, PORT: '0', LOG_LEVEL: 'silent' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
  const url = /http:\S+/.exec(line)?.[0] ?? ''
  expect(`the built server starts at ${url}`, url !== '')

  await run('npm', ['pack', '--pack-destination', folder], { cwd: root })
  await run('npm', ['pack', '--pack-destination', folder, '--workspace', 'cli'], { cwd: root })
  const tarball = async (of: RegExp): Promise<string> =>
    `./${(await readdir(folder)).find((name) => of.test(name))}`
  const install = async (of: RegExp) =>
    run('npm', ['install', '--no-audit', '--no-fund', await tarball(of)], { cwd: folder })
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  await install(/^streamable-mcp-\d/)
  const { stdout: packages } = await run('npm', ['ls', '--all', '--parseable'], { cwd: folder })
  const names = packages.trim().split('\n').slice(1)
  const { stdout: kilobytes } = await run('du', ['-sk', join(folder, 'node_modules')])
  expect(`the library is ${names.length} packages, ${Number.parseInt(kilobytes, 10)} KB`, true)
  expect('it brings no client and no zod', !/client|zod/.test(names.join('\n')))
  await install(/^streamable-mcp-cli/)

  const cli = (...args: string[]) =>
    run('npx', ['--no-install', 'streamable-mcp', ...args, '--url', url], {
      cwd: folder,
      env: { ...process.env, STREAMABLE_MCP_HOME: join(folder, 'home') },
    })
  expect('call works', (await cli('call', 'greet', 'name=Ann')).stdout === 'Hello, Ann!\n')
  expect('doctor finds nothing', (await cli('doctor')).stdout.includes('Nothing found.'))
  const packed = JSON.parse(
    await readFile(join(folder, 'node_modules/streamable-mcp/package.json'), 'utf8'),
  )
  const entries = Object.keys(packed.exports).map((path) => path.replace('.', packed.name))
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', ...Object.keys(packed.peerDependencies)],
    {
      cwd: folder,
    },
  )
  await writeFile(join(folder, 'import.mjs'), IMPORTING)
  const imported = await run(process.execPath, ['import.mjs', ...entries], { cwd: folder })
  expect(
    `${entries.length} entries can be imported: ${entries.join(', ')}`,
    entries.length >= 7 && imported.stdout === `${entries.join('\n')}\n`,
  )

  await writeFile(join(folder, 'server.mjs'), REPLACED)
  const { stdout } = await run(process.execPath, ['server.mjs'], { cwd: folder })
  expect('a server whose files are gone answers both eras', stdout === 'input_required decline\n')
} finally {
  server.kill()
  await rm(folder, { recursive: true, force: true })
}
