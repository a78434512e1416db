/** The environment of the Lambda functions, above all the secret that holds the token. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { readAuth, readEnvironment } from '../../adapters/lambda.ts'
import { readSecret } from '../../adapters/secret.ts'
import { createSigner } from '../../adapters/shared/signature.ts'
import { readLambdaTools } from '../../reference/config.ts'

const credentials = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  AWS_SESSION_TOKEN: 'session',
}

/** A stand-in for Secrets Manager over real HTTP, which records its requests. */
async function secretsManager(status: number, answer: unknown) {
  const asked: { headers: NodeJS.Dict<string | string[]>; body: string }[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    asked.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const env = { ...credentials, AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${port}` }
  return { env, asked, close: () => server.close() }
}

describe('a signature', () => {
  it("is AWS's own for its published example (post-vanilla of the Signature Version 4 test suite)", () => {
    const sign = createSigner('service', 'us-east-1')
    const headers = sign(
      { headers: { host: 'example.amazonaws.com' }, body: '' },
      {
        accessKeyId: credentials.AWS_ACCESS_KEY_ID,
        secretAccessKey: credentials.AWS_SECRET_ACCESS_KEY,
      },
      Date.parse('2015-08-30T12:36:00Z'),
    )
    expect(headers).toEqual({
      host: 'example.amazonaws.com',
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
        'SignedHeaders=host;x-amz-date, ' +
        'Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    })
  })
})

describe('a secret', () => {
  it('is requested as AWS documents it', async () => {
    const { env, asked, close } = await secretsManager(200, { SecretString: 's3cret' })
    try {
      const clock = () => Date.parse('2026-01-02T03:04:05.678Z')
      expect(await readSecret(env, 'arn:secret', { clock })).toBe('s3cret')
    } finally {
      close()
    }
    expect(asked).toHaveLength(1)
    expect(asked[0]?.body).toBe('{"SecretId":"arn:secret"}')
    expect(asked[0]?.headers).toMatchObject({
      'x-amz-target': 'secretsmanager.GetSecretValue',
      'x-amz-security-token': 'session',
      'x-amz-date': '20260102T030405Z',
      authorization: expect.stringContaining(
        'SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target',
      ),
    })
  })

  it("that cannot be read stops the start, with AWS's name of the error", async () => {
    const refusal = { __type: 'AccessDeniedException', Message: 'user x is not authorized' }
    const { env, close } = await secretsManager(400, refusal)
    try {
      await expect(readSecret(env, 'arn:secret')).rejects.toThrow(
        /^The secret could not be read: Secrets Manager answered 400 AccessDeniedException$/,
      )
    } finally {
      close()
    }
  })
})

describe('the environment of a function', () => {
  it('takes the static token from its secret', async () => {
    const token = 'a'.repeat(40)
    const { env, close } = await secretsManager(200, { SecretString: token })
    const set = { ...env, AUTH_METHOD: 'bearer', MCP_AUTH_TOKEN_SECRET: 'arn:secret' }
    const auth = await readAuth(set).finally(close)
    const request = (value: string) =>
      new Request('https://x/mcp', { headers: { authorization: `Bearer ${value}` } })
    await expect(auth?.verify(request(token), {})).resolves.toMatchObject({ scopes: [] })
    await expect(auth?.verify(request('b'.repeat(40)), {})).rejects.toThrow(/not known/)
  })

  it('never accepts all callers by accident', async () => {
    await expect(readAuth({})).rejects.toThrow(/AUTH_METHOD is not set/)
    expect(await readAuth({ AUTH_METHOD: 'none' })).toBeUndefined()
  })

  it('opens streams that listen only when it is told to, because each keeps an instance running', async () => {
    expect(await readEnvironment({ AUTH_METHOD: 'none' })).toMatchObject({ listening: false })
    const env = { AUTH_METHOD: 'none', MCP_STREAMS: 'true' }
    expect(await readEnvironment(env)).toMatchObject({ listening: true })
  })

  it('omits tools for which the role has no rights', () => {
    const off = 'get_bedrock_usage_report,count_s3_buckets'
    expect(readLambdaTools({ MCP_DISABLED_TOOLS: off })).toEqual({ bedrock: false, buckets: false })
    expect(readLambdaTools({})).toEqual({ bedrock: {}, buckets: true })
  })
})
