/** `npm create streamable-mcp`: which files each target gets, and what is in them. `npm run test:starter` runs them. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toStarterTemplate } from '../../create-streamable-mcp/src/aws-template.ts'
import { writeProject } from '../../create-streamable-mcp/src/project.ts'
import { TARGET_NAMES, TARGETS, VERSIONS } from '../../create-streamable-mcp/src/targets.ts'

const PACKAGES = { library: '^0.1.0', client: '^0.2.0' }

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'create-'))
})
afterAll(() => rm(home, { recursive: true }))

async function write(target: (typeof TARGET_NAMES)[number], name: string = target) {
  const folder = join(home, name)
  await writeProject({ folder, name, target }, PACKAGES)
  const read = (path: string) => readFile(join(folder, path), 'utf8')
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name: file }) => join(parentPath, file).slice(folder.length + 1))
  return { folder, files, read, settings: JSON.parse(await read('package.json')) }
}

describe.each(TARGET_NAMES)('a project for %s', (target) => {
  it('has all its files, each with its name and no mark left', async () => {
    const { files, read } = await write(target, `${target}-files`)
    expect(files.sort()).toEqual([...Object.keys(TARGETS[target].files), 'package.json'].sort())
    for (const file of files) {
      expect(await read(file)).not.toMatch(/\{\{\w+\}\}/)
    }
    expect(await read('server.ts')).toContain(`name: '${target}-files', version`)
    expect(await read('README.md')).toMatch(new RegExp(`^# ${target}-files$`, 'm'))
  })

  it('has scripts to develop, start, test and check it', async () => {
    const { settings, files } = await write(target, `${target}-scripts`)
    expect(settings).toMatchObject({
      name: `${target}-scripts`,
      private: true,
      type: 'module',
      scripts: { test: 'node --test', check: 'tsc', dev: expect.anything() },
      dependencies: { 'streamable-mcp': '^0.1.0' },
    })
    const develops = settings.devDependencies['streamable-mcp-cli']
    expect(develops).toBe(target === 'workers' ? undefined : '^0.2.0')
    expect(settings.scripts).toHaveProperty('start')
    expect('deploy' in settings.scripts).toBe(target !== 'node')
    expect(files.filter((file) => file.startsWith('.github/workflows/'))).toHaveLength(1)
  })

  it('keeps packages, secrets and builds out of git', async () => {
    const { read } = await write(target, `${target}-git`)
    const ignored = (await read('.gitignore')).split('\n')
    expect(ignored).toEqual(expect.arrayContaining(['node_modules/', '.env', '.dev.vars']))
  })
})

describe('a project', () => {
  it('asks for the versions that this repository is tested with', async () => {
    const root = JSON.parse(await readFile('package.json', 'utf8'))
    const used = { ...root.dependencies, ...root.devDependencies }
    for (const name of [
      '@modelcontextprotocol/client',
      'esbuild',
      'typescript',
      'valibot',
    ] as const)
      expect([name, VERSIONS[name]]).toEqual([name, used[name]])
  })

  it('of a Worker has two secrets, which no other project has', async () => {
    const one = await (await write('workers', 'first')).read('.dev.vars')
    const other = await (await write('workers', 'second')).read('.dev.vars')
    const secrets = [...`${one}${other}`.matchAll(/=([0-9a-f]{64})$/gm)].map(([, value]) => value)
    expect(new Set(secrets).size).toBe(4)
  })

  it('is written into a folder that holds a new repository', async () => {
    const folder = join(home, 'begun')
    await mkdir(join(folder, '.git'), { recursive: true })
    await writeProject({ folder, name: 'begun', target: 'node' }, PACKAGES)
    expect(await readdir(folder)).toContain('server.ts')
  })

  it('is not written over anything', async () => {
    const folder = join(home, 'full')
    await mkdir(folder)
    await writeFile(join(folder, 'notes.txt'), 'mine')
    const writing = writeProject({ folder, name: 'full', target: 'node' }, PACKAGES)
    await expect(writing).rejects.toThrow(/is not empty/)
    expect(await readdir(folder)).toEqual(['notes.txt'])
    const file = join(folder, 'notes.txt')
    const onFile = writeProject({ folder: file, name: 'notes', target: 'node' }, PACKAGES)
    await expect(onFile).rejects.toThrow(/is a file/)
  })
})

describe('the template for AWS', () => {
  it("is the repository's own without what only its reference server has", async () => {
    const own = await readFile('template.yaml', 'utf8')
    const { read } = await write('aws', 'same-text')
    const lines = (await read('template.yaml')).split('\n')
    expect(lines.length).toBeGreaterThan(500)
    expect(own.split('\n').length - lines.length).toBeLessThan(100)
    let at = -1
    const all = own.split('\n')
    for (const line of lines) {
      at = all.indexOf(line, at + 1)
      expect([line, at]).not.toEqual([line, -1])
    }
    expect(lines.join('\n')).not.toMatch(
      /reference server|ContextPath|Bedrock|Buckets|HasReport|npm run/,
    )
  })

  it('names nothing that was left out', async () => {
    const text = await (await write('aws', 'whole')).read('template.yaml')
    const defined = new Set([...text.matchAll(/^ {2}(\w+):/gm)].map(([, name = '']) => name))
    const used = [
      ...text.matchAll(/!Ref (\w+)(?!:)\b/g),
      ...text.matchAll(/!If\s*(?:\[|\n\s*- )(\w+)/g),
      ...text.matchAll(/!Condition (\w+)/g),
      ...text.matchAll(/^ +Condition: (\w+)$/gm),
    ].map(([, name = '']) => name)
    expect(used.length).toBeGreaterThan(50)
    expect(used.filter((name) => name !== 'AWS' && !defined.has(name))).toEqual([])
  })

  it('has targets for its functions in the Makefile', async () => {
    const { read } = await write('aws', 'built')
    const functions = [
      ...(await read('template.yaml')).matchAll(
        /^ {2}(\w+):\n {4}Type: AWS::Serverless::Function/gm,
      ),
    ].map(([, name]) => `build-${name}:`)
    expect(functions).toHaveLength(3)
    for (const name of functions) expect(await read('Makefile')).toContain(name)
  })

  it('is refused where the marks do not come in pairs', () => {
    const [begin, end] = ['# begin: reference server only', '  # end: reference server only']
    expect(toStarterTemplate(`a\n${begin}\nb\n${end}\nc`)).toBe('a\nc')
    expect(() => toStarterTemplate(`a\n${begin}\nb`)).toThrow(/not closed/)
    expect(() => toStarterTemplate(`a\n${end}\nb`)).toThrow(/pairs/)
    expect(() => toStarterTemplate(`${begin}\n${begin}\n${end}`)).toThrow(/pairs/)
  })
})
