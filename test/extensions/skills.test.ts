/** Skills as resources (SEP-2640): what is listed, read and verified, in both eras, and what is refused. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readSkills } from '../../adapters/skills/node.ts'
import type { SkillFiles, SkillsOptions } from '../../adapters/skills.ts'
import { skills } from '../../adapters/skills.ts'
import { createMcp } from '../../src/index.ts'
import { PNG } from '../support/media.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const png = PNG
const manifest = (name: string, more = '') =>
  `---\nname: ${name}\ndescription: About ${name}\n${more}---\n\n# ${name}\n`

const files: SkillFiles = {
  'git-workflow/SKILL.md': manifest(
    'git-workflow',
    'license: MIT\nmetadata:\n  version: "2.0"\n  tags: [a, b]\ndate: 2026-01-02\n',
  ),
  'git-workflow/references/hooks ä.md': new TextEncoder().encode('\ufeff# Hooks ✓'),
  'git-workflow/assets/logo.png': png,
  'git-workflow/scripts/lint/SKILL.md': manifest('lint'),
  'live/SKILL.md': manifest('live'),
  'live/now.txt': () => 'a moment',
}

type Json = Record<string, unknown>

async function open(era: string, options?: SkillsOptions, served = files) {
  const mcp = createMcp({ name: 'skilled', version: '1.0.0' })
  skills(mcp, served, options)
  const endpoint = fetchEndpoint(mcp)
  const client =
    era === 'legacy' ? await LegacyClient.open(endpoint, '2025-11-25') : new ModernClient(endpoint)
  return {
    client,
    result: async (method: string, params: Json = {}) =>
      (await client.request(method, params)).result(),
    error: async (method: string, params: Json) =>
      (await (await client.request(method, params)).answer()).error,
  }
}

const digest = (bytes: string | Uint8Array) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

const git = 'skill://git-workflow'

describe.each(['legacy', 'modern'])('skills, for a client of the %s era', (era) => {
  it('are announced with the resources that they are', async () => {
    const { client, result } = await open(era)
    const { capabilities } =
      client instanceof LegacyClient ? client.server : await result('server/discover')
    expect(capabilities.extensions).toEqual({
      'io.modelcontextprotocol/skills': { directoryRead: true },
    })
    expect(capabilities).toHaveProperty('resources')
    const { resources } = await result('resources/list')
    expect(resources).toHaveLength(6)
    expect(resources[0]).toEqual({
      uri: `${git}/SKILL.md`,
      name: 'git-workflow',
      description: 'About git-workflow',
      mimeType: 'text/markdown',
      size: files['git-workflow/SKILL.md']?.length,
    })
  })

  it('are listed with their frontmatter as written, and the digests of what is read', async () => {
    const { result } = await open(era)
    const { skills: listed, ...rest } = await result('skills/list')
    expect(listed.map(({ uri }: Json) => uri)).toEqual([
      `${git}/SKILL.md`,
      `${git}/scripts/lint/SKILL.md`,
      'skill://live/SKILL.md',
    ])
    expect(listed[0].frontmatter).toEqual({
      name: 'git-workflow',
      description: 'About git-workflow',
      license: 'MIT',
      metadata: { version: '2.0', tags: ['a', 'b'] },
      date: '2026-01-02',
    })
    expect(listed[2].resources).toBe('dynamic')
    expect(rest).toMatchObject(era === 'modern' ? { ttlMs: 60_000, cacheScope: 'private' } : {})
    expect(rest).not.toHaveProperty('nextCursor')
    // The files of the skill within it belong to it, too.
    expect(listed[0].resources).toHaveLength(4)
    for (const { uri, digest: told, size } of listed[0].resources) {
      const [contents] = (await result('resources/read', { uri })).contents
      const bytes = contents.text
        ? Buffer.from(contents.text)
        : Buffer.from(contents.blob ?? '', 'base64')
      expect({ uri, digest: digest(bytes), size: bytes.length }).toEqual({
        uri,
        digest: told,
        size,
      })
    }
    const live = await result('resources/read', { uri: 'skill://live/now.txt' })
    expect(live.contents).toEqual([
      { uri: 'skill://live/now.txt', mimeType: 'text/plain', text: 'a moment' },
    ])
    expect((await result('skills/get', { uri: `${git}/SKILL.md` })).skill).toEqual(listed[0])
  })

  it('are listed page by page, and no page splits a skill', async () => {
    const { result, error } = await open(era, { pageSize: 2 })
    const first = await result('skills/list')
    expect(first.skills).toHaveLength(2)
    const second = await result('skills/list', { cursor: first.nextCursor })
    expect(second.skills).toHaveLength(1)
    expect(second).not.toHaveProperty('nextCursor')
    for (const cursor of ['', 'x', 1, btoa('skill://other')]) {
      expect(await error('skills/list', { cursor })).toMatchObject({ code: -32602 })
    }
  })

  it('have directories that list their direct children', async () => {
    const { result, error } = await open(era, { prefix: 'acme/eng' })
    const read = async (uri: string) =>
      (await result('resources/directory/read', { uri })).resources.map(
        ({ uri: child, mimeType }: Json) => [child, mimeType],
      )
    const root = 'skill://acme/eng/git-workflow'
    expect(await read(root)).toEqual([
      [`${root}/SKILL.md`, 'text/markdown'],
      [`${root}/references`, 'inode/directory'],
      [`${root}/assets`, 'inode/directory'],
      [`${root}/scripts`, 'inode/directory'],
    ])
    expect(await read(`${root}/references`)).toEqual([
      [`${root}/references/hooks%20%C3%A4.md`, 'text/markdown'],
    ])
    expect(await read('skill://acme')).toEqual([['skill://acme/eng', 'inode/directory']])
    for (const uri of [`${root}/SKILL.md`, `${root}/`, 'skill://other', undefined]) {
      expect(await error('resources/directory/read', { uri }), uri).toMatchObject({ code: -32602 })
    }
    for (const uri of [
      'skill://git-workflow/SKILL.md',
      `${root}/references/hooks%20%C3%A4.md`,
      1,
    ]) {
      expect(await error('skills/get', { uri }), String(uri)).toMatchObject({ code: -32602 })
    }
  })
})

describe('skills()', () => {
  const refuse = (served: SkillFiles, options?: SkillsOptions) => () =>
    skills(createMcp({ name: 'skilled', version: '1.0.0' }), served, options)

  it('refuses what no client could load, and names it', () => {
    const one = (text: string) => ({ 'a/SKILL.md': text })
    expect(refuse(one('# no frontmatter'))).toThrow('"a/SKILL.md" must begin with frontmatter')
    expect(refuse(one('---\nname: [\n---\n'))).toThrow('not YAML')
    expect(refuse(one('---\n- a\n---\n'))).toThrow('not a list of names')
    expect(refuse(one(manifest('b')))).toThrow('must be that of its folder')
    for (const name of ['A', 'a--b', '-a', 'a'.repeat(65)]) {
      expect(refuse({ [`${name}/SKILL.md`]: manifest(name) }), name).toThrow('single hyphens')
    }
    expect(refuse(one('---\nname: a\n---\n'))).toThrow('description')
    const reserved = 'metadata:\n  io.modelcontextprotocol/x: 1\n'
    expect(refuse(one(manifest('a', reserved)))).toThrow('reserved')
    expect(refuse({ ...one(manifest('a')), 'README.md': '' })).toThrow('belongs to no skill')
    expect(refuse({ ...one(manifest('a')), 'a/../b.md': '' })).toThrow('not the path')
    expect(refuse({ 'a/SKILL.md': () => manifest('a') })).toThrow('must be a text')
    for (const prefix of ['/', 'a//b', 'a b', '../a', 'user@host']) {
      expect(refuse(one(manifest('a')), { prefix }), prefix).toThrow(TypeError)
    }
    expect(refuse(one(manifest('a')), { pageSize: 0 })).toThrow('pageSize')
    const large = { ...one(manifest('a')), 'a/large.bin': new Uint8Array(16 * 1024 * 1024) }
    expect(refuse(large)).toThrow('16 MiB')
    const names = Array.from({ length: 512 }, (_, i) => [`a/${i}.md`, ''])
    expect(refuse({ ...one(manifest('a')), ...Object.fromEntries(names) })).toThrow('512 files')
  })
})

describe('readSkills()', () => {
  const folders: string[] = []
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

  it('reads the files of skills, and nothing else of the folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skills-'))
    folders.push(folder)
    const write = async (path: string, content: string | Uint8Array) => {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    await write('team/git-workflow/SKILL.md', manifest('git-workflow'))
    await write('team/git-workflow/assets/logo.png', png)
    await write('team/git-workflow/.secret', 'hidden')
    await write('team/git-workflow/node_modules/x.js', 'foreign')
    await write('README.md', 'about the folder')
    await symlink('/etc/hostname', join(folder, 'team/git-workflow/link.txt'))
    const read = await readSkills(folder)
    expect(Object.keys(read)).toEqual([
      'team/git-workflow/SKILL.md',
      'team/git-workflow/assets/logo.png',
    ])
    const { result } = await open('modern', {}, read)
    const { skills: listed } = await result('skills/list')
    expect(listed[0].resources[1]).toEqual({
      uri: 'skill://team/git-workflow/assets/logo.png',
      digest: digest(png),
      size: png.length,
    })
  })
})
