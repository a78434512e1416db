/**
 * Each starter as a stranger gets it: created from the packed tarballs in an empty folder, installed, tested,
 * started, and called by the official clients of both eras. Called by `npm run test:starter [target …]`.
 */
import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { deployStack } from '../aws/deployment.ts'
import { tools } from '../aws/lambda-host.ts'
import { freePort } from '../support/free-port.ts'
import type { Fetch } from '../support/official-clients.ts'
import { OFFICIAL } from '../support/official-clients.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'starter-'))
/** What was started, to be ended in reverse. */
const closers: (() => Promise<unknown>)[] = []
/** Node 24, and packages from the cache where it has them. */
const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${tools}:${tools}python/bin:${process.env.PATH}`,
  npm_config_prefer_offline: 'true',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
  SAM_CLI_TELEMETRY: '0',
  AWS_DEFAULT_REGION: 'eu-west-1',
  WRANGLER_SEND_METRICS: 'false',
  CI: '1',
}

function expect(what: string, happened: boolean): void {
  if (!happened) throw new Error(`Not so: ${what}.`)
  const seconds = String(Math.round(performance.now() / 1_000)).padStart(4)
  process.stdout.write(`${seconds}s ✓ ${what}\n`)
}

/** Runs a command to its end; its output is told only when it fails. */
async function command(cwd: string, file: string, ...args: string[]): Promise<string> {
  try {
    return (await run(file, args, { cwd, env, maxBuffer: 1e8 })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${file} ${args.join(' ')}\n${stdout}\n${stderr}`)
  }
}

interface Started {
  readonly child: ChildProcess
  /** Resolves with the first match in what the program prints. */
  prints(pattern: RegExp): Promise<string>
}

function start(cwd: string, more: NodeJS.ProcessEnv, file: string, ...args: string[]): Started {
  // A group of its own, so that what it starts ends with it.
  const child = spawn(file, args, { cwd, env: { ...env, ...more }, detached: true })
  let printed = ''
  const note = (chunk: Buffer) => {
    printed += chunk
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  closers.push(async () => stop(child))
  return {
    child,
    async prints(pattern) {
      for (const end = Date.now() + 60_000; Date.now() < end; ) {
        const found = pattern.exec(printed)
        if (found) return found[1] ?? found[0]
        if (child.exitCode !== null) break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`${file} ${args.join(' ')} did not print ${pattern}:\n${printed}`)
    },
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  process.kill(-child.pid, 'SIGTERM')
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), 5_000)
  await exited
  clearTimeout(timer)
}

/** Every official client greets, with the credentials that are given. */
async function greets(where: string, url: string, token?: string, through: Fetch = fetch) {
  const authorized: Fetch = (target, init) => {
    const headers = new Headers(init?.headers)
    if (token) headers.set('authorization', `Bearer ${token}`)
    return through(target, { ...init, headers })
  }
  for (const [name, era, open] of OFFICIAL) {
    const client = await open(url, {}, authorized)
    const { content } = await client.call('greet', { name: 'Ada' })
    const right = client.era === era && content[0]?.text === 'Hello, Ada!'
    expect(`${where}: the official client ${name} greets`, right)
    await client.close()
  }
}

/** Creates, installs, tests and checks a project, as its first reader would. */
async function create(target: string): Promise<string> {
  const name = `my-${target}`
  const tarball = (await readdir(folder)).find((file) => file.startsWith('create-streamable-mcp-'))
  const library = (await readdir(folder)).find((file) => /^streamable-mcp-\d/.test(file))
  const client = (await readdir(folder)).find((file) => file.startsWith('streamable-mcp-cli-'))
  const words = ['exec', '--yes', '--package', `./${tarball}`, '--', 'create-streamable-mcp', name]
  const packages = ['--library', `file:../${library}`, '--client', `file:../${client}`]
  await command(folder, 'npm', ...words, '--target', target, ...packages)
  const project = join(folder, name)
  expect(`${target}: created and installed`, (await readdir(project)).includes('node_modules'))
  const tested = await command(project, 'npm', 'test')
  expect(`${target}: its test passes in both eras`, /pass 2[\s\S]*fail 0/.test(tested))
  await command(project, 'npm', 'run', 'check')
  expect(`${target}: its types are right`, true)
  return project
}

async function tryNode(): Promise<void> {
  const project = await create('node')
  const started = start(project, { PORT: '0' }, 'npm', 'start')
  const url = await started.prints(/http:\S+/)
  await greets('node', url)
  expect('node: /health answers', (await fetch(new URL('/health', url))).ok)
  await stop(started.child)

  const port = String(await freePort())
  const dev = start(project, { PORT: port }, 'npm', 'run', 'dev')
  const served = await dev.prints(/http:\S+/)
  const clients = await Promise.all(OFFICIAL.map(([, , open]) => open(served)))
  const source = join(project, 'server.ts')
  const text = await readFile(source, 'utf8')
  await writeFile(source, text.replace('Hello', 'Good day'))
  await dev.prints(/server\.ts +\d+ ms/)
  for (const client of clients) {
    const { content } = await client.call('greet', { name: 'Ada' })
    const right = content[0]?.text === 'Good day, Ada!'
    expect(`node: npm run dev serves a change to a connected client (${client.era})`, right)
    await client.close()
  }
  await stop(dev.child)
}

/** What the Dockerfile does, step by step, as this machine may have no Docker. */
async function tryDocker(): Promise<void> {
  const project = await create('docker')
  const dockerfile = await readFile(join(project, 'Dockerfile'), 'utf8')
  const ignored = (await readFile(join(project, '.dockerignore'), 'utf8')).split('\n')
  const context = await mkdtemp(join(folder, 'context-'))
  for (const name of await readdir(project)) {
    const fits = (pattern: string) =>
      new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(name)
    const rule = ignored.findLast((line) => line !== '' && fits(line.replace('!', '')))
    if (rule?.startsWith('!')) await cp(join(project, name), join(context, name))
  }
  const files = (await readdir(context)).sort()
  const wanted = ['main.ts', 'package-lock.json', 'package.json', 'server.ts']
  expect('docker: the image holds what it needs alone', `${files}` === `${wanted}`)
  // The tarball of the library lies beside the project, and so beside this folder.
  const [, install = ''] = /^RUN (npm ci .*)$/m.exec(dockerfile) ?? []
  await command(context, 'sh', '-c', install)
  const size = Number.parseInt(await command(context, 'du', '-sk', 'node_modules'), 10)
  expect(`docker: its packages are ${size} KB, at most 20 MB`, size < 20_000)
  const port = String(await freePort())
  const token = 'a-token-of-more-than-32-characters'
  const [, entry = '[]'] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? []
  const [file = '', ...args] = JSON.parse(entry) as string[]
  const refused = start(context, { HOST: '0.0.0.0', PORT: port }, file, ...args)
  await refused.prints(/lets other machines in/)
  expect('docker: a container without authorization does not start', true)
  const started = start(context, { PORT: port, MCP_AUTH_TOKEN: token }, file, ...args)
  const url = await started.prints(/http:\S+/)
  await greets('docker', url, token)
  const [, probe = '[]'] = /HEALTHCHECK[\s\S]*?CMD (\[.*\])$/m.exec(dockerfile) ?? []
  const [node = '', ...check] = JSON.parse(probe) as string[]
  const healthy = () =>
    run(node, check, { env: { ...env, PORT: port } }).then(
      () => true,
      () => false,
    )
  expect('docker: the health check passes while it runs', await healthy())
  await stop(started.child)
  expect('docker: the health check fails when it has stopped', !(await healthy()))
  expect('docker: it runs as a user without rights', /^USER node$/m.test(dockerfile))
}

async function tryAws(): Promise<void> {
  const project = await create('aws')
  await command(project, 'cfn-lint', 'template.yaml')
  expect('aws: cfn-lint finds nothing', true)
  await command(project, 'sam', 'build')
  const built = await readdir(join(project, '.aws-sam/build'))
  expect(
    'aws: sam build makes the functions',
    ['McpFunction', 'TaskFunction', 'AuthorizerFunction'].every((name) => built.includes(name)),
  )
  const secret = 'a-generated-token-of-some-length-0123456789'
  const { front, endpoint, mcp } = await deployStack({
    parameters: {},
    template: join(project, 'template.yaml'),
    secret,
    base: pathToFileURL(`${project}/.aws-sam/build/`),
    folders: { McpFunction: 'McpFunction', AuthorizerFunction: 'AuthorizerFunction' },
    closers,
  })
  const refused = await front.fetch(endpoint, { method: 'POST', body: '{}' })
  expect('aws: the gateway refuses a caller without the token', refused.status === 401)
  await greets('aws', endpoint.href, secret, front.fetch)
  expect('aws: several instances answered', new Set(mcp.served).size > 1)
}

async function tryWorkers(): Promise<void> {
  const project = await create('workers')
  const secrets = await readFile(join(project, '.dev.vars'), 'utf8')
  const [, token = ''] = /^MCP_AUTH_TOKEN=(\w+)$/m.exec(secrets) ?? []
  const port = String(await freePort())
  const args = ['wrangler', 'dev', '--ip', '127.0.0.1', '--port', port, '--inspector-port', '0']
  const started = start(project, {}, 'npx', '--no-install', ...args)
  await started.prints(/Ready on/)
  const url = `http://127.0.0.1:${port}/mcp`
  const refused = await fetch(url, { method: 'POST', body: '{}' })
  expect('workers: a caller without the token is refused', refused.status === 401)
  await greets('workers', url, token)
  await stop(started.child)
  const dry = ['wrangler', 'deploy', '--dry-run', '--outdir', 'out']
  await command(project, 'npx', '--no-install', ...dry)
  expect(
    'workers: it is bundled for a deployment',
    (await readdir(join(project, 'out'))).length > 0,
  )
}

const TRIALS: Readonly<Record<string, () => Promise<void>>> = {
  node: tryNode,
  docker: tryDocker,
  aws: tryAws,
  workers: tryWorkers,
}

try {
  await command(root, 'npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder)
  for (const workspace of ['create-streamable-mcp', 'cli']) {
    const words = ['--workspace', workspace, '--pack-destination', folder]
    await command(root, 'npm', 'pack', '--silent', ...words)
  }
  const wanted = process.argv.slice(2)
  for (const [target, trial] of Object.entries(TRIALS)) {
    if (wanted.length === 0 || wanted.includes(target)) await trial()
  }
} finally {
  for (const close of closers.reverse()) await close()
  await rm(folder, { recursive: true, force: true })
}
