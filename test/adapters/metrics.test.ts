/** The metrics of a Lambda function: the line that each request leaves in the log. */
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import type { LambdaRuntime, MetricsDetail, ResponseStream } from '../../adapters/lambda.ts'
import { lambda } from '../../adapters/lambda.ts'
import { METRICS, NAMESPACE, readMetrics } from '../../adapters/metrics.ts'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { createMcp, failure } from '../../src/index.ts'
import { startDynalite } from '../support/dynalite.ts'
import { startFaults } from '../support/dynamo-faults.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

interface Line {
  readonly _aws: {
    readonly Timestamp: number
    readonly CloudWatchMetrics: {
      readonly Namespace: string
      readonly Dimensions: readonly (readonly string[])[]
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[]
    }[]
  }
  readonly [member: string]: unknown
}

const runtime: LambdaRuntime = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: { from: (stream) => stream },
}

function serverWith(options: Partial<McpOptions> = {}): Mcp {
  const mcp = createMcp({ name: 'measured', version: '1', allowedHosts: ['*'], ...options })
  mcp.tool('now', { description: 'Returns at once' }, () => 1)
  mcp.tool('sorry', { description: 'Fails' }, () => failure('no'))
  mcp.tool('loud', { description: 'Streams' }, async (_, ctx) => {
    ctx.progress(1)
    await new Promise((resolve) => setTimeout(resolve, 30))
    return 'told'
  })
  return mcp
}

/** A function that sends requests to a server through the bridge, and returns the line of each. */
function functionOf(mcp: Mcp, metrics: MetricsDetail = 'tools') {
  vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'weather')
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text))
    return true
  })
  const handler = lambda(mcp, { runtime, metrics, log: () => {} })
  return async (body: object | undefined, headers: Record<string, string> = {}) => {
    written.length = 0
    const sink = new PassThrough()
    const chunks: Buffer[] = []
    sink.on('data', (chunk: Buffer) => chunks.push(chunk))
    const event = {
      version: '2.0',
      rawPath: '/mcp',
      requestContext: { http: { method: body ? 'POST' : 'GET' }, domainName: 'x.on.aws' },
      headers: { 'content-type': 'application/json', accept: BOTH, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    }
    await handler(event, Object.assign(sink, { setContentType: () => {} }) as ResponseStream, {
      awsRequestId: 'r-1',
      getRemainingTimeInMillis: () => 60_000,
    })
    return { lines: written.map((line) => JSON.parse(line) as Line), text: `${chunks}` }
  }
}

const BOTH = 'application/json, text/event-stream'

const modern = (name: string, meta = {}): [object, Record<string, string>] => [
  {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        ...meta,
      },
    },
  },
  { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
]

describe('a request on Lambda', () => {
  it('leaves one line: counts, and the dimensions by which CloudWatch keeps them', async () => {
    const send = functionOf(serverWith())
    const { lines } = await send(...modern('now'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      FunctionName: 'weather',
      Tool: 'now',
      Era: 'modern',
      Status: '200',
      Requests: 1,
      Calls: 1,
      ToolErrors: 0,
      ProtocolErrors: 0,
      Refusals: 0,
      UnknownSessions: 0,
      ServerErrors: 0,
      ColdStarts: 1,
      OpenStreams: 0,
      StoreOperations: 0,
      StoreThrottles: 0,
      requestId: 'r-1',
      method: 'tools/call',
      Duration: expect.any(Number),
    })
    const again = await send(...modern('now'))
    expect(again.lines[0]?.ColdStarts).toBe(0)
  })

  it('names in its directives what the line has, and nothing that it has not', async () => {
    const send = functionOf(serverWith())
    for (const [tool, meta] of [
      ['now', {}],
      ['loud', { progressToken: 1 }],
    ] as const) {
      const [line] = (await send(...modern(tool, meta))).lines
      const directives = line?._aws.CloudWatchMetrics ?? []
      expect(directives.map(({ Dimensions }) => Dimensions)).toEqual([
        [['FunctionName']],
        [['FunctionName', 'Tool']],
        [['FunctionName', 'Era']],
        [['FunctionName', 'Status']],
      ])
      for (const { Namespace, Dimensions, Metrics } of directives) {
        expect(Namespace).toBe(NAMESPACE)
        for (const name of Dimensions.flat()) expect(line?.[name]).toEqual(expect.any(String))
        for (const { Name } of Metrics) expect(line?.[Name]).toEqual(expect.any(Number))
      }
      expect(line?._aws.Timestamp).toBeGreaterThan(Date.now() - 60_000)
    }
  })

  it('writes every metric that is documented', async () => {
    const send = functionOf(serverWith())
    const [line] = (await send(...modern('loud', { progressToken: 1 }))).lines
    for (const [name] of Object.values(METRICS).flat()) {
      expect([name, typeof line?.[name]]).toEqual([name, 'number'])
    }
  })

  it('has no dimension but the function where it shall be cheap', async () => {
    const send = functionOf(serverWith(), 'basic')
    const [line] = (await send(...modern('now'))).lines
    expect(line?._aws.CloudWatchMetrics.map(({ Dimensions }) => Dimensions)).toEqual([
      [['FunctionName']],
    ])
    // A query of the log can still group by them.
    expect(line).toMatchObject({ Tool: 'now', Era: 'modern', Status: '200' })
  })

  it('never has a dimension value that a client made up', async () => {
    const send = functionOf(serverWith())
    const { lines } = await send(...modern('made_up'))
    expect(lines[0]).toMatchObject({ Calls: 1, ProtocolErrors: 1, Status: '200' })
    expect(lines[0]).not.toHaveProperty('Tool')
    expect(JSON.stringify(lines)).not.toContain('made_up')
    const other = await send({ jsonrpc: '2.0', id: 1, method: 'made/up' })
    expect(JSON.stringify(other.lines)).not.toContain('made/up')
  })

  it('counts errors by kind', async () => {
    const send = functionOf(serverWith())
    expect((await send(...modern('sorry'))).lines[0]).toMatchObject({ Calls: 1, ToolErrors: 1 })
    const lost = await send(
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { 'mcp-session-id': 'gone', 'mcp-protocol-version': '2025-11-25' },
    )
    expect(lost.lines[0]).toMatchObject({ UnknownSessions: 1, Status: '404', Calls: 0 })
    const foreign = await send(modern('now')[0], { origin: 'https://evil.example' })
    expect(foreign.lines[0]).toMatchObject({ Refusals: 1, Status: '403' })
    const broken = functionOf({
      ...serverWith(),
      fetch: () => Promise.reject(new Error('broken')),
    })
    expect((await broken(...modern('now'))).lines).toMatchObject([
      { ServerErrors: 1, Status: '500' },
    ])
  })

  it('counts a stream, until its end', async () => {
    const send = functionOf(serverWith())
    const { lines, text } = await send(...modern('loud', { progressToken: 1 }))
    expect(text).toMatch(/told/)
    expect(lines).toMatchObject([{ OpenStreams: 1, Tool: 'loud' }])
    expect(Number(lines[0]?.StreamDuration)).toBeGreaterThanOrEqual(25)
  })

  it('counts the operations of its store, and those that were throttled', async () => {
    await using dynalite = await startDynalite()
    await using faults = await startFaults(dynalite.endpoint, { seed: 1 })
    const { table } = dynalite
    const store = dynamoStore({ table, ...dynalite.direct(faults.endpoint) })
    const send = functionOf(serverWith({ store }))
    faults.script.push('throttle')
    const opened = await send({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'x', version: '1' },
      },
    })
    expect(opened.lines).toMatchObject([
      { StoreOperations: 1, StoreThrottles: 1, Era: 'legacy', Calls: 1, method: 'initialize' },
    ])
    expect((await send(...modern('now'))).lines).toMatchObject([
      { StoreOperations: 0, StoreThrottles: 0 },
    ])
  })

  it('leaves no line where metrics are off, which is the default', async () => {
    const off = functionOf(serverWith(), 'off')
    expect((await off(...modern('now'))).lines).toEqual([])
    expect(readMetrics({}, undefined)).toBeUndefined()
    expect(() => readMetrics({ MCP_METRICS: 'all' }, undefined)).toThrow(/MCP_METRICS must be one/)
  })
})
