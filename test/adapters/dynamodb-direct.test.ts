/** The direct way to DynamoDB: signatures, retries, clocks, credentials, and answers that do not come from DynamoDB. */

import type { Hash, Hmac } from 'node:crypto'
import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createDirectClient } from '../../adapters/dynamodb/direct-client.ts'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import { createRetryQuota } from '../../adapters/dynamodb/retry-quota.ts'
import { directSettings } from '../../adapters/dynamodb/settings.ts'
import type { Credentials } from '../../adapters/shared/signature.ts'
import { createSigner } from '../../adapters/shared/signature.ts'
import { StoreUnavailable } from '../../src/index.ts'
import { startDynalite } from '../support/dynalite.ts'

class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(key?: SourceData) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key))
  }

  update(data: SourceData): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }
}

type SourceData = string | ArrayBuffer | ArrayBufferView

function bytesOf(data: SourceData): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
}

/** Signs the same request with the SDK's own signer. */
async function signedBySdk(
  region: string,
  { host, operation, body }: { host: string; operation: string; body: string },
  credentials: Credentials,
  now: number,
): Promise<string | undefined> {
  const signer = new SignatureV4({
    service: 'dynamodb',
    region,
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken && { sessionToken: credentials.sessionToken }),
    },
    sha256: Sha256,
    applyChecksum: false,
  })
  const { headers } = await signer.sign(
    {
      method: 'POST',
      protocol: 'https:',
      hostname: host,
      path: '/',
      query: {},
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        host,
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      },
      body,
    },
    { signingDate: new Date(now) },
  )
  return headers.authorization
}

describe('a signature', () => {
  it('equals that of the SDK for any request', async () => {
    const word = fc.stringMatching(/^[A-Za-z0-9/+=]{1,40}$/)
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          region: fc.constantFrom('eu-west-1', 'us-gov-west-1', 'cn-north-1', 'local'),
          operation: fc.constantFrom('GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query'),
          body: fc.json().map(String),
          accessKeyId: word,
          secretAccessKey: word,
          sessionToken: fc.option(word, { nil: undefined }),
          now: fc.integer({ min: 0, max: 4_000_000_000_000 }),
          host: fc.constantFrom('dynamodb.eu-west-1.amazonaws.com', '127.0.0.1:4567'),
        }),
        async ({ region, operation, body, now, host, ...credentials }) => {
          const headers = {
            host,
            'x-amz-target': `DynamoDB_20120810.${operation}`,
            'content-type': 'application/x-amz-json-1.0',
          }
          const request = { headers, body }
          const sign = createSigner('dynamodb', region)
          const own = sign(request, credentials, now)
          const theirs = await signedBySdk(region, { host, operation, body }, credentials, now)
          expect(own.authorization).toBe(theirs)
          // The derived key is kept. It must give the same signature again, and not be used for another secret.
          expect(sign(request, credentials, now)).toEqual(own)
          const other = { ...credentials, secretAccessKey: `${credentials.secretAccessKey}x` }
          expect(sign(request, other, now).authorization).not.toBe(own.authorization)
        },
      ),
      { numRuns: 3_000 },
    )
  }, 60_000)
})

describe('the retry quota', () => {
  it('pauses as the SDK does, and stops when nothing succeeds', () => {
    const quota = createRetryQuota(() => 1)
    expect([1, 2, 3, 4].map((attempt) => quota.pause(attempt, 'failed'))).toEqual([
      25,
      50,
      100,
      undefined,
    ])
    expect([1, 2, 3].map((attempt) => quota.pause(attempt, 'throttled'))).toEqual([
      1_000, 2_000, 4_000,
    ])
    let allowed = 0
    while (quota.pause(1, 'failed') !== undefined) allowed += 1
    // 500 tokens, minus the cost of three failures and three throttled requests.
    expect(allowed).toBe(Math.floor((500 - 3 * 14 - 3 * 5) / 14))
    quota.succeeded('failed')
    expect(quota.pause(1, 'failed')).toBe(25)
  })
})

type Reply = (incoming: IncomingMessage, outgoing: ServerResponse, body: string) => void

interface VerifierOptions {
  /** @default Date.now */
  clock?: () => number
  /** The endpoint that gets the requests which pass. @default each is answered with an empty object */
  forwardTo?: string
  /** Changes a request on its way, before it is checked. */
  change?: (body: string) => string
}

/** A stand-in for DynamoDB that checks the signature and the time of each request, like the real service. */
async function startVerifier(keys: { current: Credentials }, options: VerifierOptions = {}) {
  const { clock = Date.now, forwardTo, change = (body: string) => body } = options
  const seen: string[] = []
  const replies: Reply[] = []
  const passed: { headers: IncomingHttpHeaders; body: string }[] = []
  const refuse = (outgoing: ServerResponse, name: string, status = 400) =>
    outgoing
      .writeHead(status, {
        'content-type': 'application/x-amz-json-1.0',
        date: new Date(clock()).toUTCString(),
      })
      .end(JSON.stringify({ __type: `com.amazon.coral.service#${name}`, message: 'refused' }))
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const body = change(Buffer.concat(chunks).toString())
    const scripted = replies.shift()
    if (scripted) return scripted(incoming, outgoing, body)
    const { host = '', authorization = '' } = incoming.headers
    const date = String(incoming.headers['x-amz-date'])
    const now = Date.parse(
      date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
    )
    seen.push(authorization)
    if (Math.abs(now - clock()) > 5 * 60_000) return refuse(outgoing, 'InvalidSignatureException')
    if (!authorization.includes(`Credential=${keys.current.accessKeyId}/`)) {
      return refuse(outgoing, 'UnrecognizedClientException')
    }
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? ''
    const expected = await signedBySdk('local', { host, operation, body }, keys.current, now)
    if (authorization !== expected) return refuse(outgoing, 'InvalidSignatureException')
    if (!forwardTo) {
      outgoing.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}')
      return
    }
    const { host: _, 'content-length': __, connection: ___, ...headers } = incoming.headers
    passed.push({ headers: incoming.headers, body })
    const answer = await fetch(forwardTo, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body,
    })
    const type = answer.headers.get('content-type') ?? ''
    outgoing.writeHead(answer.status, { 'content-type': type }).end(await answer.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: new URL(`http://127.0.0.1:${port}`),
    seen,
    passed,
    replies,
    refuse,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const KEYS: Credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
const never = new AbortController().signal

describe('the direct client', () => {
  const open = (endpoint: URL, credentials = async (_renew: boolean) => KEYS, clock = Date.now) =>
    createDirectClient({ region: 'local', endpoint, credentials }, { attemptTimeout: 1_000, clock })

  it('is accepted by a server that checks signatures, and refused with a wrong key', async () => {
    await using server = await startVerifier({ current: KEYS })
    const client = await open(server.endpoint)
    expect(await client.send('GetItem', { TableName: 't' }, never, () => {})).toEqual({})
    const forged = await open(server.endpoint, async () => ({ ...KEYS, secretAccessKey: 'other' }))
    await expect(forged.send('GetItem', {}, never, () => {})).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    })
  })

  it.each([-3_600_000, 3_600_000])(
    'adopts the clock of DynamoDB when its own differs by %i ms',
    async (skew) => {
      await using server = await startVerifier({ current: KEYS })
      const client = await open(server.endpoint, undefined, () => Date.now() + skew)
      await client.send('GetItem', {}, never, () => {})
      expect(server.seen).toHaveLength(2)
      await client.send('GetItem', {}, never, () => {})
      expect(server.seen).toHaveLength(3)
    },
  )

  it('renews credentials that were withdrawn, and the call succeeds', async () => {
    const keys = { current: KEYS }
    await using server = await startVerifier(keys)
    const next: Credentials = { accessKeyId: 'NEXT', secretAccessKey: 'fresh', sessionToken: 't' }
    let known = KEYS
    const asked: boolean[] = []
    const client = await open(server.endpoint, async (renew) => {
      asked.push(renew)
      if (renew) known = next
      return known
    })
    await client.send('GetItem', {}, never, () => {})
    keys.current = next
    await client.send('GetItem', {}, never, () => {})
    await client.send('GetItem', {}, never, () => {})
    expect(asked).toEqual([false, false, true, false])
  })

  it.each<[string, Reply]>([
    [
      'a page of a proxy',
      (_, outgoing) => void outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    ],
    [
      'JSON of another server',
      (_, outgoing) =>
        void outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
    ],
    [
      'a body that is not an object',
      (_, outgoing) =>
        void outgoing.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('null'),
    ],
    [
      'a body that was changed on its way',
      (_, outgoing) =>
        void outgoing
          .writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'x-amz-crc32': '1' })
          .end('{}'),
    ],
    [
      'a body that was cut',
      (_, outgoing) => {
        outgoing.writeHead(200, {
          'content-type': 'application/x-amz-json-1.0',
          'content-length': '100',
        })
        outgoing.write('{}')
        setTimeout(() => outgoing.destroy(), 20)
      },
    ],
    ['no answer', () => {}],
    ['a connection that is closed', (incoming) => void incoming.socket.destroy()],
    ['a status of 503', (_, outgoing) => void outgoing.writeHead(503).end('busy')],
  ])('never takes %s for an absent item', async (_, reply) => {
    await using server = await startVerifier({ current: KEYS })
    const client = await open(server.endpoint)
    let unsure = 0
    // A retry handles one such answer. If all answers are like this, the operation fails.
    server.replies.push(reply)
    expect(await client.send('GetItem', {}, never, () => unsure++)).toEqual({})
    expect(unsure).toBe(1)
    server.replies.push(reply, reply, reply, reply)
    await expect(client.send('GetItem', {}, never, () => {})).rejects.toThrow()
    expect(server.replies).toEqual([])
  })

  it('does not repeat a refusal', async () => {
    await using server = await startVerifier({ current: KEYS })
    const client = await open(server.endpoint)
    let unsure = 0
    server.replies.push((_, outgoing) => {
      server.refuse(outgoing, 'ConditionalCheckFailedException')
    })
    await expect(client.send('PutItem', {}, never, () => unsure++)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    })
    expect([unsure, server.seen.length]).toEqual([0, 0])
  })

  it('keeps its connection', async () => {
    await using server = await startVerifier({ current: KEYS })
    const client = await open(server.endpoint)
    const ports = new Set<number | undefined>()
    for (let i = 0; i < 5; i++) {
      server.replies.push((incoming, outgoing) => {
        ports.add(incoming.socket.remotePort)
        outgoing.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}')
      })
      await client.send('GetItem', {}, never, () => {})
    }
    expect(ports.size).toBe(1)
  })
})

describe('the settings of the direct way', () => {
  const keys = {
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 's',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
  }
  const endpointOf = async (
    env: Record<string, string>,
    options: { region?: string; endpoint?: string } = {},
  ) => (await directSettings({ table: 't', ...options }, env))?.endpoint.href

  it.each([
    ['eu-central-1', 'https://dynamodb.eu-central-1.amazonaws.com/'],
    ['us-gov-west-1', 'https://dynamodb.us-gov-west-1.amazonaws.com/'],
    ['cn-north-1', 'https://dynamodb.cn-north-1.amazonaws.com.cn/'],
    ['us-iso-east-1', undefined],
  ])('know the endpoint of %s', async (AWS_REGION, endpoint) => {
    expect(await endpointOf({ ...keys, AWS_REGION })).toBe(endpoint)
  })

  it('prefer the endpoint of the options, then those of the environment', async () => {
    const env = { ...keys, AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }
    expect(await endpointOf(env)).toBe('http://127.0.0.1:1/')
    const both = { ...env, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:2' }
    expect(await endpointOf(both)).toBe('http://127.0.0.1:2/')
    expect(await endpointOf(both, { endpoint: 'http://127.0.0.1:3' })).toBe('http://127.0.0.1:3/')
    const ignored = { ...both, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }
    expect(await endpointOf(ignored)).toBe('https://dynamodb.eu-west-1.amazonaws.com/')
  })

  it.each([
    { AWS_USE_FIPS_ENDPOINT: 'true' },
    { AWS_USE_DUALSTACK_ENDPOINT: 'true' },
    { AWS_CONFIG_FILE: 'package.json' },
    { AWS_ENDPOINT_URL: 'http://127.0.0.1:1/with/a/path' },
  ])('use the SDK for %o', async (more) => {
    expect(await endpointOf({ ...keys, AWS_REGION: 'eu-west-1', ...more })).toBeUndefined()
  })

  it('carry a session token', async () => {
    const env = { ...keys, AWS_REGION: 'eu-west-1', AWS_SESSION_TOKEN: 'token' }
    const settings = await directSettings({ table: 't' }, env)
    expect(await settings?.credentials(false)).toMatchObject({ sessionToken: 'token' })
  })
})

describe('a store on the direct way', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('reports an unreachable table with the same message as through the SDK', async () => {
    await using dynalite = await startDynalite()
    const options = dynalite.direct()
    const store = dynamoStore({ table: 'missing', ...options })
    await expect(store.get(['a', 'b'])).rejects.toThrow('There is no DynamoDB table "missing"')
    await dynalite.stop()
    await expect(store.get(['a', 'b'])).rejects.toThrow(StoreUnavailable)
  })
})

describe('a store whose requests are checked before they reach dynalite', () => {
  const key = ['checked', 'record'] as const
  const expiresAt = Date.now() + 60_000

  it('works, and a request that is sent again after its time is refused', async () => {
    await using db = await startDynalite()
    let now = Date.now
    await using server = await startVerifier(
      { current: { accessKeyId: 'local', secretAccessKey: 'local' } },
      { forwardTo: db.endpoint, clock: () => now() },
    )
    const store = dynamoStore({ table: db.table, ...db.direct(server.endpoint.href) })
    await store.put(key, 'first', { expiresAt })
    const [put] = server.passed
    await store.put(key, 'second', { expiresAt })
    expect((await store.get(key))?.value).toBe('second')

    now = () => Date.now() + 6 * 60_000
    const { connection: _, host: __, 'content-length': ___, ...headers } = put?.headers ?? {}
    const replayed = await fetch(server.endpoint, {
      method: 'POST',
      headers: headers as Record<string, string>,
      ...(put && { body: put.body }),
    })
    expect([replayed.status, await replayed.text()]).toEqual([
      400,
      expect.stringContaining('InvalidSignatureException'),
    ])
    now = Date.now
    expect((await store.get(key))?.value).toBe('second')
  })

  it('has no effect by a request that was changed on its way', async () => {
    await using db = await startDynalite()
    await using server = await startVerifier(
      { current: { accessKeyId: 'local', secretAccessKey: 'local' } },
      { forwardTo: db.endpoint, change: (body) => body.replace('payment: 10', 'payment: 99') },
    )
    const store = dynamoStore({ table: db.table, ...db.direct(server.endpoint.href) })
    await expect(store.put(key, 'payment: 10', { expiresAt })).rejects.toThrow(
      'does not accept the AWS credentials',
    )
    expect(server.seen.length).toBeGreaterThan(0)
    expect(server.passed).toHaveLength(0)
    expect(await store.get(key)).toBeUndefined()
  })
})
