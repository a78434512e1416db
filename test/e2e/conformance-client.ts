/**
 * Runs the official client scenarios with the command-line client as it is published. Each scenario is a
 * script of commands on its standard input. `npm run conformance:client` calls it.
 */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const here = fileURLToPath(import.meta.url)
const program = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url))
const browser = fileURLToPath(new URL('../support/headless-browser.mjs', import.meta.url))
const suite = '@modelcontextprotocol/conformance@0.2.0-alpha.12'

interface Context {
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: unknown }[]
  readonly client_id?: string
  readonly client_secret?: string
  readonly issuer?: string
}

/** The commands of each scenario. Scenarios without an entry only list the tools. */
const scripts: Readonly<Record<string, (context: Context) => readonly string[]>> = {
  tools_call: () => ['list-tools', 'call-tool add_numbers a=5 b=3'],
  'elicitation-sep1034-client-defaults': () => ['call-tool test_client_elicitation_defaults'],
  'sse-retry': () => ['call-tool test_reconnection'],
  'sep-2322-client-request-state': () => [
    'call-tool test_mrtr_echo_state',
    'call-tool test_mrtr_unrelated',
    'call-tool test_mrtr_no_state',
    'call-tool test_mrtr_no_result_type',
  ],
  'http-standard-headers': () => ['list-tools', 'list-resources', 'list-prompts', ...everyName],
  'http-custom-headers': ({ toolCalls = [] }) =>
    toolCalls.map((call) => `call-tool ${call.name} ${JSON.stringify(call.arguments)}`),
  'http-invalid-tool-headers': () => ['list-tools', 'call-tool valid_tool region=us-east-1'],
  'auth/scope-step-up': () => ['list-tools', 'call-tool test-tool'],
  'auth/scope-retry-limit': () => ['list-tools', 'call-tool test-tool'],
  'auth/authorization-server-migration': () => ['list-tools', 'call-tool test-tool'],
}

const everyName = [
  'call-tool test_headers',
  'read-resource file:///path/to/file%20name.txt',
  'get-prompt test_prompt',
]

/** Runs the client under test. The suite starts it, with the scenario in the environment. */
async function playScenario(url: string): Promise<number> {
  const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? ''
  if (scenario === 'json-schema-2020-12-preservation') return echoSchema(url)
  const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as Context
  const home = await mkdtemp(join(tmpdir(), 'cli-conformance-'))
  const clientId =
    context.client_id ??
    (scenario === 'auth/basic-cimd'
      ? 'https://conformance-test.local/client-metadata.json'
      : undefined)
  const child = spawn(
    process.execPath,
    [program, '--url', url, '--answer', 'defaults', '--login'],
    {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: {
        ...process.env,
        STREAMABLE_MCP_HOME: home,
        BROWSER: browser,
        ...(clientId !== undefined && { OAUTH_CLIENT_ID: clientId }),
        ...(context.client_secret !== undefined && {
          OAUTH_CLIENT_SECRET: context.client_secret,
          OAUTH_ISSUER: await issuerOf(url),
        }),
        // The client sends the secret only to this issuer.
        ...(context.issuer !== undefined && { OAUTH_ISSUER: context.issuer }),
      },
    },
  )
  child.stdin.end((scripts[scenario]?.(context) ?? ['list-tools']).join('\n'))
  const code = await new Promise<number>((resolve) =>
    child.on('exit', (exit) => resolve(exit ?? 1)),
  )
  await rm(home, { recursive: true, force: true })
  return code
}

/** Sends a schema back as it was listed. This needs two commands and the result of the first. */
async function echoSchema(url: string): Promise<number> {
  const listed = await promisify(execFile)(process.execPath, [
    program,
    'list',
    '--json',
    '--url',
    url,
  ])
  const { tools } = JSON.parse(listed.stdout) as { tools: { name: string; inputSchema: unknown }[] }
  const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema
  const input = JSON.stringify({ schema })
  await promisify(execFile)(process.execPath, [
    program,
    'call',
    'json_schema_echo',
    input,
    '--url',
    url,
  ])
  return 0
}

/** The largest number of scenarios that run at once. The suite starts all of them, which is too much for two cores. */
const PARALLEL_SCENARIOS = 3

/** Waits for a free place. A place is a folder, because `mkdir` fails if another process has created it. */
async function inFreePlace(run: () => Promise<number>): Promise<number> {
  const folder = process.env.CONFORMANCE_PLACES ?? ''
  for (let attempt = 0; ; attempt++) {
    const place = join(folder, String(attempt % PARALLEL_SCENARIOS))
    const taken = await mkdir(place).then(
      () => true,
      () => false,
    )
    if (taken) return run().finally(() => rmdir(place))
    await delay(50)
  }
}

async function runSuite(requirements: string): Promise<number> {
  const places = await mkdtemp(join(tmpdir(), 'conformance-places-'))
  const command = [process.execPath, '--import', 'tsx', here].join(' ')
  const args = ['-y', '-p', 'node@24', '-p', suite, 'conformance', 'client']
  // The time includes waiting for a free place.
  const options = ['--command', command, '--requirements', requirements, '--timeout', '180000']
  const child = spawn('npx', [...args, ...options], {
    stdio: 'inherit',
    env: { ...process.env, CONFORMANCE_PLACES: places },
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  await rm(places, { recursive: true, force: true })
  return code ?? 1
}

const [url] = process.argv.slice(2)
if (url !== undefined) process.exitCode = await inFreePlace(() => playScenario(url))
else {
  for (const requirements of ['2025-11-25', '2026-07-28']) {
    process.exitCode ||= await runSuite(requirements)
  }
}

/** The issuer of the suite's server, which a user with a secret would know from its registration. */
async function issuerOf(url: string): Promise<string> {
  const { origin, pathname } = new URL(url)
  const places = [pathname, ''].map(
    (path) => `${origin}/.well-known/oauth-protected-resource${path}`,
  )
  for (const place of places) {
    const response = await fetch(place)
    if (!response.ok) continue
    const { authorization_servers } = (await response.json()) as {
      authorization_servers?: string[]
    }
    if (authorization_servers?.[0] !== undefined) return authorization_servers[0]
  }
  return ''
}
