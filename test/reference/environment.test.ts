/** Every environment variable has an effect that can be observed. Each has a row, with and without it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readCacheSeconds } from '../../adapters/environment/lambda.ts'
import type { Variable } from '../../adapters/environment/variables.ts'
import { misspelledVariables, VARIABLES } from '../../adapters/environment/variables.ts'
import { readEnvironment as readLambdaEnvironment } from '../../adapters/lambda.ts'
import { readMetrics } from '../../adapters/metrics.ts'
import type { NodeServer } from '../../adapters/node.ts'
import { readAddress, readEnvironment, readServerOptions, serve } from '../../adapters/node.ts'
import { readBedrock, readLambdaTools, readPage } from '../../reference/config.ts'
import { createReferenceServer } from '../../reference/tools/index.ts'
import type { McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { startDynalite } from '../support/dynalite.ts'
import { listen } from '../support/listener.ts'
import { createTokenIssuer } from '../support/token-issuer.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

type Env = Partial<Record<Variable, string>>

/** Returns the error with which a server refuses to start. */
const startProblem = (more: Env) => (env: Env) =>
  readEnvironment({ ...QUIET, ...more, ...env }).then(
    () => undefined,
    (error: Error) => error.message,
  )

interface Row {
  /** Starts a server with this environment, and returns the effect. */
  observe(env: Env): Promise<unknown> | unknown
  /** Variables and their effects. The first case is the default. */
  cases: readonly (readonly [given: Env, seen: unknown])[]
}

const SECOND = 1_000
const HOUR = 3_600 * SECOND
const OLD_KEY = 'the old key which seals what clients carry'
const NEW_KEY = 'the new key which seals what clients carry'
const HOSTNAME = 'mcp.example.com'
const RESOURCE = `https://${HOSTNAME}/mcp`
const POOL_ID = 'eu-central-1_AbCdEf123'
const POOL = `https://cognito-idp.eu-central-1.amazonaws.com/${POOL_ID}`
const CALLBACK = 'https://app.example.com/callback'

const closing: (() => unknown)[] = []
afterEach(async () => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  for (const close of closing.splice(0).reverse()) await close()
})

/** Settings of every server here: no log, and a port from the operating system. */
const QUIET: Env = { LOG_LEVEL: 'silent', PORT: '0' }

function createServerOf(options: Partial<McpOptions>) {
  const mcp = createMcp({ name: 'environment', version: '1.0.0', ...options })
  mcp.tool('ask', { description: 'Asks back' }, async (_, ctx) => {
    const { action } = await ctx.elicit('Really?', { type: 'object', properties: {} })
    return action
  })
  closing.push(() => mcp.close({ grace: 0 }))
  return mcp
}

const createNode = async (env: Env) => createServerOf(await readEnvironment({ ...QUIET, ...env }))

/** Starts a server on a socket, configured only by the environment. */
async function start(env: Env): Promise<NodeServer> {
  const all = { ...QUIET, ...env }
  const server = await serve(await createNode(all), { ...readAddress(all), signals: false })
  closing.push(server.close)
  return server
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'wire', version: '1' },
  },
}

/** Makes a handshake over a socket, because `fetch` cannot set Host, and returns its status. */
async function handshake(
  { port }: Pick<NodeServer, 'port'>,
  headers: Record<string, string> = {},
  more: object = {},
): Promise<number | undefined> {
  const sent = request({
    port,
    host: '127.0.0.1',
    path: '/mcp',
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
  })
  sent.end(JSON.stringify({ ...INITIALIZE, ...more }))
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode
}

const handshakeWith =
  (headers: Record<string, string>, more: object = {}): Row['observe'] =>
  async (env) =>
    handshake(await start(env), headers, more)

/** Whether something listens at an address of this machine. */
async function isOpen(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  const open = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return open
}

/** The addresses of this machine that other machines can reach. */
const publicAddresses = () =>
  Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map((a) => a.address),
  )

/** Tells whether a second server with the same environment knows the session of the first. */
const sharesSessions: Row['observe'] = async (env) => {
  const database = await startDynalite()
  closing.push(() => database.close())
  for (const [name, value] of Object.entries(database.env)) {
    if (name.startsWith('AWS_')) vi.stubEnv(name, value)
  }
  try {
    const { sessionId } = await LegacyClient.open(
      fetchEndpoint(await createNode(env)),
      '2025-11-25',
    )
    const other = fetchEndpoint(await createNode(env))
    const response = await other.fetch(other.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'mcp-session-id': sessionId },
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    })
    return response.status === 200
  } catch (error) {
    return String(error)
  }
}

/** Starts an issuer and a server that accepts its tokens, and returns a function for requests. */
async function behindIssuer(env: Env, url = 'https://login.example.com') {
  const issuer = await createTokenIssuer({
    url,
    ...(url === POOL && {
      alg: 'RS256',
      metadataPaths: [`/${POOL_ID}/.well-known/openid-configuration`],
    }),
    metadata: { authorization_endpoint: `${url}/authorize` },
  })
  vi.stubGlobal('fetch', issuer.fetch)
  const mcp = await createNode(env)
  const send = async (path: string, init?: RequestInit) =>
    mcp.fetch(new Request(`https://${HOSTNAME}${path}`, init))
  return {
    issuer,
    document: async (path: string) => (await send(path)).json(),
    post: async (path: string, body: object, headers: Record<string, string> = {}) =>
      (
        await send(path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        })
      ).status,
  }
}

const WITH_ISSUER: Env = { MCP_ISSUER: 'https://login.example.com', MCP_RESOURCE_URL: RESOURCE }
const WITH_POOL: Env = { COGNITO_USER_POOL_ID: POOL_ID, MCP_RESOURCE_URL: RESOURCE }
const poolClaims = { token_use: 'access', scope: 'mcp/use' }

/** Returns the status of a handshake with a token of the issuer. */
const withToken =
  (base: Env, claims: Record<string, unknown> = {}): Row['observe'] =>
  async (env) => {
    const { issuer, post } = await behindIssuer(
      { ...base, ...env },
      base.COGNITO_USER_POOL_ID ? POOL : undefined,
    )
    return post('/mcp', INITIALIZE, { authorization: `Bearer ${await issuer.token(claims)}` })
  }

const METADATA = '/.well-known/oauth-protected-resource'

/** Returns a member of a document that the server publishes, or the error if the server does not start. */
const published =
  (base: Env, path: string, member: string): Row['observe'] =>
  async (env) => {
    try {
      const url = base.COGNITO_USER_POOL_ID ? POOL : undefined
      return (await (await behindIssuer({ ...base, ...env }, url)).document(path))[member]
    } catch (error) {
      return String(error)
    }
  }

const register =
  (base: Env): Row['observe'] =>
  async (env) => {
    try {
      const { post } = await behindIssuer({ ...base, ...env })
      return await post('/register', { redirect_uris: [CALLBACK] })
    } catch (error) {
      return String(error)
    }
  }

const toolsOf = async (env: Env) => {
  const endpoint = fetchEndpoint(createReferenceServer({}, readLambdaTools(env)))
  const { tools } = await (await new ModernClient(endpoint).request('tools/list')).result()
  return tools.map(({ name }: { name: string }) => name)
}

const ROWS: Record<Variable, Row> = {
  PORT: {
    observe: (env) => readAddress(env).port,
    cases: [
      [{}, 3000],
      [{ PORT: '8080' }, 8080],
    ],
  },
  HOST: {
    // Linux has all addresses of 127.0.0.0/8, so a second loopback address shows which one is bound.
    async observe(env) {
      const { port } = await start(env)
      const addresses = ['127.0.0.1', '127.0.0.2', ...publicAddresses()]
      const open = await Promise.all(addresses.map((address) => isOpen(address, port)))
      return addresses.filter((_, at) => open[at])
    },
    cases: [
      [{}, ['127.0.0.1']],
      [{ HOST: '127.0.0.2' }, ['127.0.0.2']],
    ],
  },
  MCP_TRUST_PROXY: {
    observe: handshakeWith({
      host: 'internal:8080',
      'x-forwarded-host': HOSTNAME,
      'x-forwarded-proto': 'https',
    }),
    cases: [
      [{}, 403],
      [{ MCP_TRUST_PROXY: '0' }, 403],
      [{ MCP_TRUST_PROXY: 'true' }, 200],
    ],
  },
  LOG_LEVEL: {
    observe(env) {
      const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
      const { log } = readServerOptions(env)
      for (const level of ['debug', 'info', 'warn', 'error'] as const) {
        log?.({ level, message: level })
      }
      return written.mock.calls.map(([line]) => JSON.parse(String(line)).message)
    },
    cases: [
      [{}, ['info', 'warn', 'error']],
      [{ LOG_LEVEL: 'debug' }, ['debug', 'info', 'warn', 'error']],
      [{ LOG_LEVEL: 'WARN' }, ['warn', 'error']],
      [{ LOG_LEVEL: 'silent' }, []],
    ],
  },
  MCP_ALLOWED_HOSTS: {
    observe: handshakeWith({ host: HOSTNAME }),
    cases: [
      [{}, 403],
      [{ MCP_ALLOWED_HOSTS: `other.example.com, ${HOSTNAME}` }, 200],
      [{ MCP_ALLOWED_HOSTS: 'other.example.com' }, 403],
    ],
  },
  MCP_ALLOWED_ORIGINS: {
    observe: handshakeWith({ origin: 'https://app.example.com' }),
    cases: [
      [{}, 403],
      [{ MCP_ALLOWED_ORIGINS: 'https://app.example.com' }, 200],
      [{ MCP_ALLOWED_ORIGINS: 'https://other.example.com' }, 403],
    ],
  },
  MCP_BODY_LIMIT: {
    observe: handshakeWith({}, { padding: 'x'.repeat(5_000) }),
    cases: [
      [{}, 200],
      [{ MCP_BODY_LIMIT: '5000' }, 413],
      [{ MCP_BODY_LIMIT: '6000' }, 200],
    ],
  },
  MCP_SESSION_TTL: {
    async observe(env) {
      vi.useFakeTimers({ toFake: ['Date'] })
      const client = await LegacyClient.open(fetchEndpoint(await createNode(env)), '2025-11-25')
      vi.setSystemTime(Date.now() + 2 * HOUR)
      return (await client.request('ping')).status
    },
    cases: [
      [{}, 200],
      [{ MCP_SESSION_TTL: '3600' }, 404],
      [{ MCP_SESSION_TTL: '10800' }, 200],
    ],
  },
  MCP_STATE_KEYS: {
    // A server with the old key asks, and a server with the keys of the case reads the answer.
    async observe(env) {
      const capabilities = { elicitation: { form: {} } }
      const send = async (given: Env, params: object) => {
        const client = new ModernClient(fetchEndpoint(await createNode(given)), { capabilities })
        return (
          await client.request('tools/call', { name: 'ask', arguments: {}, ...params })
        ).answer()
      }
      const { result } = await send({ MCP_STATE_KEYS: OLD_KEY }, {})
      const [key = ''] = Object.keys(result.inputRequests)
      const again = await send(env, {
        inputResponses: { [key]: { action: 'accept', content: {} } },
        requestState: result.requestState,
      })
      return again.error?.code ?? again.result.content[0].text
    },
    cases: [
      [{}, -32602],
      [{ MCP_STATE_KEYS: NEW_KEY }, -32602],
      [{ MCP_STATE_KEYS: `${NEW_KEY},${OLD_KEY}` }, 'accept'],
    ],
  },
  MCP_RESOURCE_URL: {
    observe: handshakeWith({ host: HOSTNAME }),
    cases: [
      [{}, 403],
      [{ MCP_RESOURCE_URL: RESOURCE }, 200],
      [{ MCP_RESOURCE_URL: 'https://other.example.com/mcp' }, 403],
    ],
  },
  MCP_STORE: {
    observe: sharesSessions,
    cases: [
      [{}, false],
      [{ MCP_STORE: 'dynamodb', MCP_TABLE: 'test' }, true],
      [{ MCP_STORE: 'memory', MCP_TABLE: 'test' }, false],
      [{ MCP_STORE: 'dynamodb' }, expect.stringContaining('MCP_TABLE')],
    ],
  },
  MCP_TABLE: {
    observe: sharesSessions,
    cases: [
      [{}, false],
      [{ MCP_TABLE: 'test' }, true],
      [{ MCP_TABLE: 'missing' }, expect.stringContaining('missing')],
    ],
  },
  MCP_CREATE_TABLE: {
    observe: (env) => sharesSessions({ MCP_TABLE: 'new', ...env }),
    cases: [
      [{}, expect.stringContaining('new')],
      [{ MCP_CREATE_TABLE: '1' }, true],
    ],
  },
  // `test/engines/servers.engine.ts` starts servers on real engines.
  MCP_REDIS_URL: {
    observe: startProblem({ MCP_STORE: 'redis' }),
    cases: [
      [{}, expect.stringContaining('MCP_REDIS_URL')],
      [{ MCP_REDIS_URL: 'redis://127.0.0.1:1' }, 'Redis cannot be reached'],
      [{ MCP_REDIS_URL: 'http://127.0.0.1:1' }, expect.stringContaining('redis://')],
    ],
  },
  MCP_POSTGRES_URL: {
    observe: startProblem({ MCP_STORE: 'postgres' }),
    cases: [
      [{}, expect.stringContaining('MCP_POSTGRES_URL')],
      [{ MCP_POSTGRES_URL: 'postgres://127.0.0.1:1/mcp' }, 'PostgreSQL cannot be reached'],
    ],
  },
  AUTH_METHOD: {
    observe: handshakeWith({}),
    cases: [
      [{}, 200],
      [{ AUTH_METHOD: 'gateway' }, 401],
      [{ AUTH_METHOD: 'none', MCP_AUTH_TOKEN: 'secret' }, 200],
    ],
  },
  MCP_AUTH_TOKEN: {
    async observe(env) {
      const server = await start(env)
      const right = { authorization: 'Bearer secret' }
      return [await handshake(server), await handshake(server, right)]
    },
    cases: [
      [{}, [200, 200]],
      [{ MCP_AUTH_TOKEN: 'secret' }, [401, 200]],
      [{ MCP_AUTH_TOKEN: 'other' }, [401, 401]],
    ],
  },
  MCP_ISSUER: {
    async observe(env) {
      const { post } = await behindIssuer({ MCP_RESOURCE_URL: RESOURCE, ...env })
      return post('/mcp', INITIALIZE)
    },
    cases: [
      [{}, 200],
      [{ MCP_ISSUER: 'https://login.example.com' }, 401],
    ],
  },
  MCP_JWKS_URI: {
    async observe(env) {
      const { issuer, post } = await behindIssuer({ ...WITH_ISSUER, ...env })
      const authorization = `Bearer ${await issuer.token()}`
      expect(await post('/mcp', INITIALIZE, { authorization })).toBe(200)
      return issuer.requests.length
    },
    cases: [
      [{}, 2],
      [{ MCP_JWKS_URI: 'https://login.example.com/.well-known/jwks.json' }, 1],
    ],
  },
  MCP_ALLOWED_CLIENT_IDS: {
    observe: withToken(WITH_ISSUER),
    cases: [
      [{}, 200],
      [{ MCP_ALLOWED_CLIENT_IDS: 'client-2' }, 401],
      [{ MCP_ALLOWED_CLIENT_IDS: 'client-2,client-1' }, 200],
    ],
  },
  MCP_REQUIRED_SCOPES: {
    observe: withToken(WITH_ISSUER),
    cases: [
      [{}, 200],
      [{ MCP_REQUIRED_SCOPES: 'files:write' }, 403],
      [{ MCP_REQUIRED_SCOPES: 'files:read' }, 200],
    ],
  },
  MCP_SUPPORTED_SCOPES: {
    observe: published(WITH_ISSUER, METADATA, 'scopes_supported'),
    cases: [
      [{}, undefined],
      [{ MCP_SUPPORTED_SCOPES: 'files:read files:write' }, ['files:read', 'files:write']],
    ],
  },
  MCP_FACADE_CLIENT_ID: {
    observe: register({ ...WITH_ISSUER, MCP_FACADE_REDIRECT_URIS: CALLBACK }),
    cases: [
      [{}, 404],
      [{ MCP_FACADE_CLIENT_ID: 'client-1' }, 201],
    ],
  },
  MCP_FACADE_REDIRECT_URIS: {
    observe: register({ ...WITH_ISSUER, MCP_FACADE_CLIENT_ID: 'client-1' }),
    cases: [
      [{}, expect.stringContaining('MCP_FACADE_REDIRECT_URIS')],
      [{ MCP_FACADE_REDIRECT_URIS: CALLBACK }, 201],
      [{ MCP_FACADE_REDIRECT_URIS: 'https://other.example.com/callback' }, 400],
    ],
  },
  COGNITO_USER_POOL_ID: {
    observe: published({ MCP_RESOURCE_URL: RESOURCE }, METADATA, 'authorization_servers'),
    cases: [
      [{}, expect.stringContaining('Error')],
      [{ COGNITO_USER_POOL_ID: POOL_ID }, [POOL]],
    ],
  },
  COGNITO_REGION: {
    observe: published(WITH_POOL, METADATA, 'authorization_servers'),
    cases: [
      [{}, [POOL]],
      [{ COGNITO_REGION: 'eu-central-1' }, [POOL]],
      [{ COGNITO_REGION: 'us-east-1' }, expect.stringContaining('COGNITO_REGION')],
    ],
  },
  COGNITO_DOMAIN: {
    observe: published(
      { ...WITH_POOL, MCP_FACADE_CLIENT_ID: 'client-1', MCP_FACADE_REDIRECT_URIS: CALLBACK },
      '/.well-known/oauth-authorization-server',
      'authorization_endpoint',
    ),
    cases: [
      [{}, `${POOL}/authorize`],
      [
        { COGNITO_DOMAIN: 'weather' },
        'https://weather.auth.eu-central-1.amazoncognito.com/oauth2/authorize',
      ],
    ],
  },
  COGNITO_ALLOWED_CLIENT_IDS: {
    observe: withToken(WITH_POOL, { ...poolClaims, aud: undefined }),
    cases: [
      [{}, 401],
      [{ COGNITO_ALLOWED_CLIENT_IDS: 'client-1' }, 200],
      [{ COGNITO_ALLOWED_CLIENT_IDS: 'client-2' }, 401],
    ],
  },
  COGNITO_REQUIRED_SCOPES: {
    observe: withToken(WITH_POOL, poolClaims),
    cases: [
      [{}, 200],
      [{ COGNITO_REQUIRED_SCOPES: 'mcp/other' }, 403],
      [{ COGNITO_REQUIRED_SCOPES: 'mcp/use' }, 200],
    ],
  },
  COGNITO_SUPPORTED_SCOPES: {
    observe: published(WITH_POOL, METADATA, 'scopes_supported'),
    cases: [
      [{}, undefined],
      [{ COGNITO_SUPPORTED_SCOPES: 'openid,mcp/use' }, ['openid', 'mcp/use']],
    ],
  },
  COGNITO_RESOURCE_ID: {
    observe: withToken(WITH_POOL, { ...poolClaims, aud: 'mcp-server-api' }),
    cases: [
      [{}, 401],
      [{ COGNITO_RESOURCE_ID: 'mcp-server-api' }, 200],
      [{ COGNITO_RESOURCE_ID: 'other-api' }, 401],
    ],
  },
  MCP_METRICS: {
    observe: (env) => readMetrics(env, undefined) !== undefined,
    cases: [
      [{}, false],
      [{ MCP_METRICS: 'off' }, false],
      [{ MCP_METRICS: 'basic' }, true],
    ],
  },
  MCP_STREAMS: {
    async observe(env) {
      const options = await readLambdaEnvironment({ ...QUIET, AUTH_METHOD: 'none', ...env })
      const client = await LegacyClient.open(fetchEndpoint(createServerOf(options)), '2025-11-25')
      return (await client.get()).status
    },
    cases: [
      [{}, 405],
      [{ MCP_STREAMS: 'false' }, 405],
      [{ MCP_STREAMS: 'true' }, 200],
    ],
  },
  MCP_AUTH_TOKEN_SECRET: {
    async observe(env) {
      const asked: string[] = []
      const manager = await listen(async (incoming, response) => {
        for await (const part of incoming) asked.push(JSON.parse(String(part)).SecretId)
        response.end(JSON.stringify({ SecretString: 'secret' }))
      })
      closing.push(() => manager.close())
      const { auth } = await readLambdaEnvironment({
        ...QUIET,
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'key',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_ENDPOINT_URL_SECRETS_MANAGER: manager.url,
        AUTH_METHOD: 'none',
        ...env,
      })
      const headers = { authorization: 'Bearer secret' }
      const caller = await auth?.verify(new Request(RESOURCE, { headers }), {})
      return [asked, caller !== undefined]
    },
    cases: [
      [{}, [[], false]],
      [{ AUTH_METHOD: 'bearer', MCP_AUTH_TOKEN_SECRET: 'arn:secret' }, [['arn:secret'], true]],
    ],
  },
  MCP_AUTHORIZER_CACHE_SECONDS: {
    observe: (env) => readCacheSeconds(env),
    cases: [
      [{}, 0],
      [{ MCP_AUTHORIZER_CACHE_SECONDS: '60' }, 60],
    ],
  },
  MCP_TASK_FUNCTION: {
    observe: async (env) => {
      const { runner } = await readLambdaEnvironment({ ...QUIET, AUTH_METHOD: 'none', ...env })
      return typeof runner
    },
    cases: [
      [{}, 'undefined'],
      [
        { MCP_TASK_FUNCTION: 'arn:aws:lambda:eu-west-1:123456789012:function:tasks:live' },
        'function',
      ],
    ],
  },
  MCP_DISABLED_TOOLS: {
    observe: async (env) => {
      const tools = await toolsOf(env)
      return [tools.includes('count_s3_buckets'), tools.includes('get_bedrock_usage_report')]
    },
    cases: [
      [{}, [true, true]],
      [{ MCP_DISABLED_TOOLS: 'count_s3_buckets' }, [false, true]],
      [{ MCP_DISABLED_TOOLS: 'count_s3_buckets,get_bedrock_usage_report' }, [false, false]],
    ],
  },
  MCP_PAGE: {
    observe: (env) => [readPage(env, 'loopback')?.show, readPage(env, 'off')?.show],
    cases: [
      [{}, ['loopback', undefined]],
      [{ MCP_PAGE: 'off' }, [undefined, undefined]],
      [{ MCP_PAGE: 'everywhere' }, ['everywhere', 'everywhere']],
    ],
  },
  BEDROCK_ROLE_ARN: {
    observe: (env) => readBedrock(env),
    cases: [
      [{}, {}],
      [
        { BEDROCK_ROLE_ARN: 'arn:aws:iam::123456789012:role/Reader' },
        { roleArn: 'arn:aws:iam::123456789012:role/Reader' },
      ],
    ],
  },
  BEDROCK_PRICES: {
    observe: (env) => readBedrock(env),
    cases: [
      [{}, {}],
      [
        { BEDROCK_PRICES: '{"nova-lite-v1:0":{"input":0.06,"output":0.24}}' },
        { prices: { 'nova-lite-v1:0': { input: 0.06, output: 0.24 } } },
      ],
    ],
  },
}

describe('the table of variables', () => {
  const sources = ['adapters', 'reference'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('environment/variables.ts'))
      .map((name) => readFileSync(`${folder}/${name}`, 'utf8')),
  )
  const read = sources.join('\n')

  it('has a row for every variable that is read, and no other', () => {
    expect(Object.keys(ROWS)).toEqual([...VARIABLES])
    const named = read.matchAll(
      /\benv\.([A-Z][A-Z_]+)\b|'((?:MCP|COGNITO|BEDROCK|AUTH|LOG)_[A-Z_]+)'/g,
    )
    const names = [...named].map(([, plain, quoted]) => plain ?? quoted ?? '')
    expect(names.length).toBeGreaterThan(25)
    const ours = names.filter((name) => !name.startsWith('AWS_') && !name.endsWith('_'))
    expect(ours.filter((name) => !VARIABLES.some((variable) => variable === name))).toEqual([])
  })

  it('lists only variables that are read', () => {
    const stems = (name: string) => [name, name.replace(/^(?:MCP|COGNITO)_/, '')]
    expect(VARIABLES.filter((name) => !stems(name).some((stem) => read.includes(stem)))).toEqual([])
  })

  it.each(Object.entries(ROWS))('documents the effect of %s', (name, { cases }) => {
    expect(cases[0]?.[0]).toEqual({})
    expect(cases.slice(1).some(([given]) => name in given)).toBe(true)
    expect(new Set(cases.map(([, seen]) => JSON.stringify(seen))).size).toBeGreaterThan(1)
  })
})

describe.each(Object.entries(ROWS))('the variable %s', (_, { observe, cases }) => {
  it.each(cases)('set as %j: %j', async (given, seen) => {
    expect(await observe(given)).toEqual(seen)
  })
})

describe('a value that cannot be used', () => {
  it.each<[Variable, string]>([
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['LOG_LEVEL', 'loud'],
    ['MCP_ALLOWED_ORIGINS', 'app.example.com'],
    ['MCP_ALLOWED_ORIGINS', 'https://app.example.com/'],
    ['MCP_BODY_LIMIT', '999'],
    ['MCP_BODY_LIMIT', '4MB'],
    ['MCP_SESSION_TTL', '59'],
    ['MCP_SESSION_TTL', '90.5'],
    ['MCP_STATE_KEYS', 'too short'],
    ['MCP_STORE', 'mongo'],
    ['MCP_TRUST_PROXY', 'yes'],
    ['AUTH_METHOD', 'oath'],
    ['HOST', '0.0.0.0'],
  ])('stops the start with a sentence that names it: %s=%s', async (name, value) => {
    await expect(readEnvironment({ ...QUIET, [name]: value })).rejects.toThrow(name)
  })

  it.each<[Variable, string]>([
    ['MCP_STREAMS', 'yes'],
    ['MCP_AUTHORIZER_CACHE_SECONDS', '3601'],
    ['MCP_TASK_FUNCTION', 'arn:aws:lambda:eu-west-1:123456789012:function:tasks'],
  ])('stops a Lambda function too: %s=%s', async (name, value) => {
    const env = { ...QUIET, AUTH_METHOD: 'none', [name]: value }
    const reading = async () => [readCacheSeconds(env), await readLambdaEnvironment(env)]
    await expect(reading()).rejects.toThrow(name)
  })
})

describe('a misspelled variable', () => {
  it.each([
    ['MCP_SESION_TTL', 'MCP_SESSION_TTL'],
    ['MCP_ALLOWED_HOST', 'MCP_ALLOWED_HOSTS'],
    ['MCP_STATEKEYS', 'MCP_STATE_KEYS'],
    ['AUTH_METHD', 'AUTH_METHOD'],
    ['MCP_LOG_LEVEL', 'LOG_LEVEL'],
    ['MCP_PORT', 'PORT'],
    ['MCP_USER_POOL_ID', 'COGNITO_USER_POOL_ID'],
    ['COGNITO_USERPOOL_ID', 'COGNITO_USER_POOL_ID'],
    ['OAUTH_ISSUER', 'MCP_ISSUER'],
    ['OAUTH_REQUIRED_SCOPE', 'MCP_REQUIRED_SCOPES'],
    ['BEDROCK_ROLEARN', 'BEDROCK_ROLE_ARN'],
  ])('%s is taken for %s', (set, meant) => {
    expect(misspelledVariables({ [set]: 'x' })).toEqual([[set, meant]])
  })

  it.each([
    ...VARIABLES,
    'PATH',
    'POST',
    'HOSTS',
    'MCP_SERVER_URL',
    'MCP_CLIENT_DEBUG',
    'MCP_API_KEY',
    'BEDROCK_MODEL_ID',
    'OAUTH_CLIENT_SECRET',
    'LOG_FORMAT',
  ])('%s is none', (name) => {
    expect(misspelledVariables({ [name]: 'x' })).toEqual([])
  })

  it('that is empty counts as not set', () => {
    expect(misspelledVariables({ MCP_SESION_TTL: '' })).toEqual([])
  })

  it.each([
    ['Node', readEnvironment],
    ['Lambda', readLambdaEnvironment],
  ])('is warned about once at the start on %s', async (_, read) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const misspelled = { MCP_SESION_TTL: '60' }
    await read({ AUTH_METHOD: 'none', ...misspelled })
    const lines = written.mock.calls.map(([line]) => JSON.parse(String(line)))
    expect(lines).toEqual([
      {
        time: expect.any(String),
        level: 'warn',
        message: 'MCP_SESION_TTL is set but not read: did you mean MCP_SESSION_TTL?',
      },
    ])
  })
})

describe('npm start', () => {
  it('listens at PORT, only on the loopback interface', { timeout: 30_000 }, async () => {
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    const { port } = probe.address() as AddressInfo
    await new Promise((resolve) => probe.close(resolve))
    const child = spawn(process.execPath, ['--import', 'tsx', 'reference/entry/node.ts'], {
      env: { PATH: process.env.PATH, PORT: String(port), LOG_LEVEL: 'silent' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [line] = await once(createInterface({ input: child.stdout }), 'line')
      expect(line).toBe(`streamable-mcp listens on http://127.0.0.1:${port}/mcp`)
      expect(await handshake({ port })).toBe(200)
      for (const address of ['127.0.0.2', ...publicAddresses()]) {
        expect(await isOpen(address, port)).toBe(false)
      }
      child.kill('SIGTERM')
      expect(await once(child, 'exit')).toEqual([0, null])
    } finally {
      child.kill('SIGKILL')
    }
  })
})
