/** Reads a secret from AWS Secrets Manager with one signed request, so that a cold start loads no AWS client. */

import { createHash, createHmac } from 'node:crypto'
import type { Environment } from './environment/variables.ts'

/** How the secret that holds the tokens is read. */
export interface SecretOptions {
  /** @default the global fetch */
  fetch?: typeof globalThis.fetch
  /** The current time in epoch milliseconds. @default Date.now */
  clock?: () => number
}

/**
 * Returns the text of a secret. Region and credentials are those that Lambda sets in the environment.
 * `AWS_ENDPOINT_URL_SECRETS_MANAGER` replaces the endpoint, as in AWS's own client, which is not used
 * because it takes longer to load than the whole server.
 */
export async function readSecret(
  env: Environment,
  secretId: string,
  { fetch = globalThis.fetch, clock = Date.now }: SecretOptions = {},
): Promise<string> {
  const region = required(env, 'AWS_REGION')
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const url = new URL(
    env.AWS_ENDPOINT_URL_SECRETS_MANAGER || `https://secretsmanager.${region}.${suffix}/`,
  )
  const body = JSON.stringify({ SecretId: secretId })
  const headers = sign(
    {
      'content-type': 'application/x-amz-json-1.1',
      host: url.host,
      'x-amz-target': 'secretsmanager.GetSecretValue',
      ...(env.AWS_SESSION_TOKEN && { 'x-amz-security-token': env.AWS_SESSION_TOKEN }),
    },
    {
      body,
      path: url.pathname,
      region,
      service: 'secretsmanager',
      accessKeyId: required(env, 'AWS_ACCESS_KEY_ID'),
      secretAccessKey: required(env, 'AWS_SECRET_ACCESS_KEY'),
      now: new Date(clock()),
    },
  )
  const signal = AbortSignal.timeout(5_000)
  const response = await fetch(url, { method: 'POST', headers, body, signal })
  const answer = (await response.json().catch(() => ({}))) as {
    SecretString?: unknown
    __type?: unknown
  }
  if (typeof answer.SecretString === 'string') return answer.SecretString
  throw new Error(
    `The secret could not be read: Secrets Manager answered ${response.status} ${answer.__type ?? ''}`,
  )
}

export interface Signing {
  readonly body: string
  readonly path: string
  readonly region: string
  readonly service: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly now: Date
}

/** Adds the signature (AWS Signature Version 4) to the headers of a POST. Their names must be in lower case. */
export function sign(
  given: Readonly<Record<string, string>>,
  { body, path, region, service, accessKeyId, secretAccessKey, now }: Signing,
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const headers: Record<string, string> = { ...given, 'x-amz-date': time }
  const names = Object.keys(headers).sort()
  const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('')
  const signed = names.join(';')
  const request = ['POST', path, '', lines, signed, sha256(body)].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n')
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  )
  const signature = createHmac('sha256', key).update(text).digest('hex')
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function required(env: Environment, name: keyof Environment): string {
  const value = env[name]
  if (!value) throw new Error(`${name} is not set: a secret can be read on AWS only`)
  return value
}
