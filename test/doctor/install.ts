/** Installs the servers that the doctor examines into `.cache`, where they stay for the next run. */

import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const sources = fileURLToPath(new URL('./servers', import.meta.url))
const cache = fileURLToPath(new URL('../../.cache', import.meta.url))

/** The folder with all servers and with the packages of npm. */
export const SERVER_FOLDER = join(cache, 'doctor')

/** Milliseconds that one attempt of an installation may take. A registry may be slow once, so there are two. */
const INSTALL_LIMIT = 150_000
const ATTEMPTS = 2

/** The interpreter of a virtual environment. `test/python/run.sh` installs the two official SDKs at the same places. */
export function python(environment: string): string {
  return join(cache, 'python', environment, 'bin', 'python')
}

const PYTHON_PACKAGES: readonly (readonly [environment: string, requirement: string])[] = [
  ['1.30.0', 'mcp==1.30.0'],
  ['2.3.0', 'mcp==2.3.0'],
  ['fastmcp-4.2.3', 'fastmcp==4.2.3'],
]

/** Installs what is missing, all at the same time. `report` receives the seconds of each installation. */
export async function install(report: (name: string, seconds: number) => void): Promise<void> {
  const timed = async (name: string, body: () => Promise<boolean>): Promise<void> => {
    const started = performance.now()
    if (await repeated(body)) report(name, Math.round((performance.now() - started) / 1000))
  }
  await Promise.all([
    timed('npm packages', installNodePackages),
    ...PYTHON_PACKAGES.map(([environment, requirement]) =>
      timed(requirement, () => installPython(environment, requirement)),
    ),
  ])
}

async function repeated(body: () => Promise<boolean>): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body()
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

/** Resolves with whether there was something to install, as the other installation does. */
async function installNodePackages(): Promise<boolean> {
  await mkdir(SERVER_FOLDER, { recursive: true })
  const lock = await readFile(join(sources, 'package-lock.json'), 'utf8')
  const stamp = join(SERVER_FOLDER, 'installed')
  const installed = await readFile(stamp, 'utf8').catch(() => '')
  await cp(sources, SERVER_FOLDER, { recursive: true })
  if (installed === lock) return false
  await limited('npm', ['ci', '--no-audit', '--no-fund', '--silent'])
  await writeFile(stamp, lock)
  return true
}

async function installPython(environment: string, requirement: string): Promise<boolean> {
  const home = join(cache, 'python', environment)
  const ready = join(home, 'ready')
  if ((await run(ready, ['--version']).catch(() => undefined)) !== undefined) return false
  await mkdir(SERVER_FOLDER, { recursive: true })
  await rm(home, { recursive: true, force: true })
  await limited('python3', ['-m', 'venv', '--without-pip', home])
  await limited('python3', [
    ...['-m', 'pip', '--python', python(environment), 'install', '--no-compile'],
    ...['--quiet', '--disable-pip-version-check', requirement],
  ])
  await symlink('bin/python', ready)
  return true
}

async function limited(file: string, args: readonly string[]): Promise<void> {
  await run(file, args, { cwd: SERVER_FOLDER, timeout: INSTALL_LIMIT, killSignal: 'SIGKILL' })
}
