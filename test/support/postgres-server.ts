/** A real PostgreSQL server for tests: Debian's package, with a free port and a temporary data folder. */
import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-port.ts'

export interface PostgresServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Ends it at once, as `kill -9` does. Acknowledged data stays. */
  kill(): Promise<void>
  /** Starts it again on the same port with the same data. */
  restart(): Promise<void>
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** Returns the folder with the newest programs, because Debian does not put them into PATH. */
function programs(): string {
  const home = '/usr/lib/postgresql'
  const newest = readdirSync(home)
    .sort((a, b) => Number(b) - Number(a))
    .at(0)
  return join(home, newest ?? '', 'bin')
}

/** Runs PostgreSQL as Debian's user for it if this process is root, because PostgreSQL refuses root. */
function asUser(): { uid?: number; gid?: number } {
  if (userInfo().uid !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

export async function startPostgres(): Promise<PostgresServer> {
  const bin = programs()
  const user = asUser()
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const init = ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C']
  execFileSync(join(bin, 'initdb'), init, { ...user, stdio: 'ignore', cwd: folder })
  const port = await freePort()
  const url = `postgres://test@127.0.0.1:${port}/postgres`
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder]
    child = spawn(join(bin, 'postgres'), options, {
      ...user,
      stdio: 'ignore',
      cwd: folder,
    })
    const end = Date.now() + 30_000
    for (;;) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.query('SELECT 1')
        await client.end()
        return
      } catch (error) {
        if (Date.now() > end) throw error
        await delay(50)
      }
    }
  }

  /** Sends a signal to the server and its workers. Each worker is in another process group. */
  const signal = (name: NodeJS.Signals) => {
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
    const { stdout } = spawnSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' })
    for (const pid of [child.pid, ...stdout.split('\n').filter(Boolean).map(Number)]) {
      try {
        process.kill(pid, name)
      } catch {
        // The worker has ended meanwhile.
      }
    }
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    signal('SIGKILL')
    await ended
  }

  const close = async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  }
  await start()
  return {
    port,
    url,
    kill,
    restart: start,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    close,
    [Symbol.asyncDispose]: close,
  }
}
