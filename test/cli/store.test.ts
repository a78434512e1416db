/** Logins on disk: private, complete, with one writer at a time, and separate for each issuer. */
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withLock } from '../../cli/src/lock.ts'
import { TokenStore } from '../../cli/src/token-store.ts'
import { temporaryHome } from '../support/cli-terminal.ts'

const run = promisify(execFile)
const server = 'https://mcp.example/mcp'
let home: Awaited<ReturnType<typeof temporaryHome>>

beforeEach(async () => {
  home = await temporaryHome()
})
afterEach(() => home.remove())

function tokens(name: string) {
  return { access_token: name, token_type: 'Bearer' }
}

describe('the lock', () => {
  it('lets processes count without a lost update', { timeout: 20_000 }, async () => {
    const counter = join(home.path, 'counter')
    await writeFile(counter, '0')
    const script = `
      import { readFile, writeFile } from 'node:fs/promises'
      import { withLock } from ${JSON.stringify(new URL('../../cli/src/lock.ts', import.meta.url).href)}
      for (let i = 0; i < 20; i++) {
        await withLock(${JSON.stringify(`${counter}.lock`)}, async () => {
          await writeFile(${JSON.stringify(counter)}, String(Number(await readFile(${JSON.stringify(counter)}, 'utf8')) + 1))
        })
      }`
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script]
    await Promise.all([1, 2, 3].map(() => run(process.execPath, args)))
    expect(await readFile(counter, 'utf8')).toBe('60')
  })

  it('is taken over from a dead holder by one process at a time', async () => {
    const path = join(home.path, 'lock')
    await writeFile(path, 'a process that crashed')
    await utimes(path, new Date(0), new Date(0))
    let inside = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(path, async () => {
          inside += 1
          most = Math.max(most, inside)
          await sleep(3)
          inside -= 1
        }),
      ),
    )
    expect(most).toBe(1)
    expect(await readdir(home.path)).toEqual([])
  })

  it('stays with a holder that takes longer than the limit but lives', async () => {
    const path = join(home.path, 'lock')
    const order: string[] = []
    const slow = withLock(path, () => sleep(400).then(() => order.push('slow')), {
      staleAfter: 100,
    })
    await sleep(20)
    const quick = withLock(path, async () => order.push('quick'), { staleAfter: 100 })
    await Promise.all([slow, quick])
    expect(order).toEqual(['slow', 'quick'])
  })

  it('is not waited for any longer when its holder never releases it', async () => {
    const path = join(home.path, 'lock')
    const held = withLock(path, () => sleep(300))
    await sleep(20)
    await expect(withLock(path, async () => {}, { timeout: 50 })).rejects.toThrow('for too long')
    await held
  })
})

describe('the store', () => {
  it('lets only its owner read file and folder, and leaves no temporary files', async () => {
    const folder = join(home.path, 'nested', 'home')
    const store = new TokenStore(folder)
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        store.update(`https://${name}/`, 'https://i', { tokens: tokens(name) }),
      ),
    )
    expect(await readdir(folder)).toEqual(['credentials.json'])
    expect((await stat(join(folder, 'credentials.json'))).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const name of ['a', 'b', 'c', 'd']) {
      expect((await store.login(`https://${name}/`))?.tokens?.access_token).toBe(name)
    }
  })

  it('removes the rights of others on a file', async () => {
    const path = join(home.path, 'credentials.json')
    await writeFile(path, '{"servers":{}}', { mode: 0o644 })
    await new TokenStore(home.path).update(server, 'https://i', { tokens: tokens('t') })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('keeps the issuers of a server apart (D34)', async () => {
    const store = new TokenStore(home.path)
    await store.update(server, 'https://one', { tokens: tokens('one') })
    await store.update(server, 'https://two', { tokens: tokens('two') })
    expect(await store.login(server)).toMatchObject({
      issuer: 'https://two',
      tokens: tokens('two'),
    })
    expect((await store.credentials(server, 'https://one'))?.tokens).toEqual(tokens('one'))
    expect(await store.credentials(server, 'https://three')).toBeUndefined()
  })

  it('forgets tokens and keeps registrations at a logout', async () => {
    const store = new TokenStore(home.path)
    const client = { client_id: 'c', redirect_uris: ['http://127.0.0.1:1/callback'] }
    await store.update(server, 'https://one', { tokens: tokens('one'), client })
    await store.forget(server)
    expect(await store.login(server)).toBeUndefined()
    expect(await store.registrations(server)).toEqual([client])
    expect(await readFile(join(home.path, 'credentials.json'), 'utf8')).not.toContain('"one"')
  })

  it('says what to do about a file that is not JSON', async () => {
    await mkdir(home.path, { recursive: true })
    await writeFile(join(home.path, 'credentials.json'), '{"servers":')
    await expect(new TokenStore(home.path).login(server)).rejects.toMatchObject({
      message: expect.stringContaining('is not valid JSON'),
      next: 'Delete it and log in again.',
    })
  })
})
