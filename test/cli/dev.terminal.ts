/** `dev`: a server that is changed, broken and mended while official clients stay connected. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { DevProject } from '../support/dev-project.ts'
import { createDevProject } from '../support/dev-project.ts'
import { OFFICIAL } from '../support/official-clients.ts'
import type { Terminal } from '../support/terminal.ts'
import { openTerminal } from '../support/terminal.ts'

const program = fileURLToPath(new URL('../../bin/streamable-mcp.js', import.meta.url))

const HEAD = `import { createMcp } from 'streamable-mcp'
import * as v from 'valibot'
import { greeting } from './greeting.js'

const mcp = createMcp({ name: 'greeter', version: '1.0.0' })
const input = v.object({ name: v.string() })
mcp.tool('greet', { description: 'Greets', input }, ({ name }) => greeting(name))
mcp.tool('count', { description: 'Counts', session: true }, (_, ctx) =>
  ctx.session.update<number>('n', (n = 0) => n + 1))
`
const TAIL = '\nexport default mcp\n'
const GREETING = `export enum Word { Hello = 'Hello' }
export const greeting = (name: string): string => \`\${Word.Hello}, \${name}!\`
`

let project: DevProject
let terminal: Terminal | undefined
beforeAll(async () => {
  project = await createDevProject(['typescript'])
})
afterAll(() => project.remove())
afterEach(() => {
  terminal?.close()
  terminal = undefined
})

function dev(file: string, ...more: string[]): Terminal {
  const env = { NO_COLOR: '1', BROWSER: 'none', PORT: '0' }
  terminal = openTerminal([process.execPath, program, 'dev', file, ...more], env)
  return terminal
}

async function addressOf(person: Terminal): Promise<string> {
  return (await person.sees(/http:\S+\/mcp/)).trim()
}

it.each(OFFICIAL.filter(([name]) => name === 'v1' || name.includes('2026')))(
  'keeps the official client %s connected while a tool is changed, added, broken and mended',
  async (_name, era, open) => {
    await project.write('greeting.ts', GREETING)
    await project.write('server.ts', HEAD + TAIL)
    const person = dev(join(project.folder, 'server.ts'))
    const client = await open(await addressOf(person))
    expect(client.era).toBe(era)
    await client.listen()
    const say = async (name: string) => (await client.call('greet', { name })).content[0]?.text
    expect(await say('Ada')).toBe('Hello, Ada!')
    await person.sees(/✓ tools\/call greet +\d/)
    expect(person.text()).not.toContain('"Ada"')
    const count = async () => (await client.call('count')).content[0]?.text
    if (era === 'legacy') expect(await count()).toBe('1')

    // A file that the server imports.
    await project.write('greeting.ts', GREETING.replace("'Hello'", "'Good day'"))
    await person.sees(/↻ \S*greeting\.ts/)
    expect(await say('Ada')).toBe('Good day, Ada!')
    expect(client.heard).toEqual([])

    const added = `mcp.tool('add', { description: 'Adds' }, () => 3)\n`
    await project.write('server.ts', HEAD + added + TAIL)
    await person.sees(/↻ \S*server\.ts +\d+ ms +\+ add/)
    await expect.poll(() => client.heard).toEqual(['notifications/tools/list_changed'])
    expect(await client.list('tools')).toEqual(['greet', 'count', 'add'])

    await project.write('server.ts', `${HEAD}mcp.tool('add', {\n${TAIL}`)
    await person.sees(/✗ server\.ts cannot be served; the last version that worked is still served/)
    await person.sees(/server\.ts:\d+:\d+ {2}\S/)
    expect((await client.call('add')).content[0]?.text).toBe('3')

    await project.write('server.ts', `${HEAD}mcp.tool('greet', {}, () => 1)\n${TAIL}`)
    await person.sees(/server\.ts:10:5 {2}TypeError: .*greet.*\n *10 \| mcp\.tool\('greet'.*\n.*\^/)
    expect(await say('Bob')).toBe('Good day, Bob!')

    await project.write('server.ts', HEAD.replace("'Greets'", "'Greets people'") + TAIL)
    await person.sees(/↻ \S*server\.ts +\d+ ms +~ greet +- add/)
    await expect.poll(() => client.heard.length).toBe(2)
    expect(await client.list('tools')).toEqual(['greet', 'count'])
    // The session is the one from before all changes.
    if (era === 'legacy') expect(await count()).toBe('2')

    person.enter('a')
    await person.sees('Arguments are shown')
    await say('Eve')
    await person.sees('{"name":"Eve"}')
    await client.close()
    person.type('\u0003')
    expect(await person.exited).toBe(0)
  },
)

describe('what it tells', () => {
  it('shows type errors where they stand, and when they are gone', async () => {
    await project.write('greeting.ts', GREETING)
    const settings = { strict: true, noEmit: true, module: 'nodenext', target: 'es2022', types: [] }
    const tsconfig = { compilerOptions: settings, files: ['typed.ts'] }
    await project.write('tsconfig.json', JSON.stringify(tsconfig))
    const source =
      "import { createMcp } from 'streamable-mcp'\n// @ts-ignore no declarations here\nexport default createMcp({ name: 'typed', version: '1' })\n"
    await project.write(
      'streamable-mcp.d.ts',
      "declare module 'streamable-mcp' {\n  export function createMcp(options: object): object\n}\n",
    )
    await project.write(
      'tsconfig.json',
      JSON.stringify({ ...tsconfig, files: ['typed.ts', 'streamable-mcp.d.ts'] }),
    )
    await project.write('typed.ts', `${source}export const n: number = 'text'\n`)
    const person = dev(join(project.folder, 'typed.ts'))
    await addressOf(person)
    await person.sees('1 type error; the server runs nevertheless')
    await person.sees(/typed\.ts:4:14 {2}TS2322: .*\n *4 \| export const n/)
    await project.write('typed.ts', source)
    await person.sees('The types are right again')
  })

  it('waits for a change when the first version is broken, and names the exports that it takes', async () => {
    await project.write('none.ts', 'export const nothing = 1\n')
    const person = dev(join(project.folder, 'none.ts'), '--args')
    await person.sees('none.ts cannot be served; a change is waited for')
    await person.sees('export default createMcp')
    await project.write(
      'none.ts',
      `import { createMcp } from 'streamable-mcp'
export function createServer(options: object) {
  const mcp = createMcp({ name: 'made', version: '1', ...options })
  mcp.tool('fail', { description: 'Fails' }, () => {
    throw new Error('out of paper')
  })
  return mcp
}
`,
    )
    const [, , open] = OFFICIAL[3] ?? []
    const client = await open?.(await addressOf(person))
    await client?.call('fail').catch(() => {})
    await person.sees(/none\.ts:5:11 {2}error: .*out of paper/)
    await person.sees('✗ tools/call fail')
    await client?.close()
  })

  it('tells that a port is in use, and ends', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    await project.write('greeting.ts', GREETING)
    await project.write('server.ts', HEAD + TAIL)
    const person = dev(join(project.folder, 'server.ts'), '--port', String(port))
    await person.sees(`Port ${port} of 127.0.0.1 cannot be listened on: another program uses it.`)
    expect(await person.exited).toBe(4)
    other.close()
  })

  it('opens the page that the server answers a browser with, and nothing else', async () => {
    const opened = join(project.folder, 'opened.txt')
    await project.write(
      'browser.mjs',
      `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(opened)}, process.argv[2])\n`,
    )
    await project.write(
      'paged.ts',
      `import { createMcp } from 'streamable-mcp'
const mcp = createMcp({ name: 'paged', version: '1' })
export default {
  ...mcp,
  fetch: (request: Request, env: object) =>
    request.headers.get('accept') === 'text/html'
      ? new Response('<h1>Hello</h1>', { headers: { 'content-type': 'text/html' } })
      : mcp.fetch(request, env),
}
`,
    )
    await project.write(
      'browser.sh',
      `#!/bin/sh\n${process.execPath} ${project.folder}/browser.mjs "$1"\n`,
    )
    const { chmod } = await import('node:fs/promises')
    await chmod(join(project.folder, 'browser.sh'), 0o755)
    const env = { NO_COLOR: '1', BROWSER: join(project.folder, 'browser.sh'), PORT: '0' }
    terminal = openTerminal(
      [process.execPath, program, 'dev', join(project.folder, 'paged.ts')],
      env,
    )
    const url = await addressOf(terminal)
    await expect.poll(() => readFile(opened, 'utf8').catch(() => '')).toBe(url)
  })
})
