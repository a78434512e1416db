/** Reads a secret from AWS Secrets Manager with one signed request, so that a cold start loads no AWS client. */

import type { Environment } from './environment/variables.ts'
import { createSigner } from './shared/signature.ts'

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
  const sign = createSigner('secretsmanager', region)
  const headers = sign(
    {
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        host: url.host,
        'x-amz-target': 'secretsmanager.GetSecretValue',
      },
      path: url.pathname,
      body,
    },
    {
      accessKeyId: required(env, 'AWS_ACCESS_KEY_ID'),
      secretAccessKey: required(env, 'AWS_SECRET_ACCESS_KEY'),
      sessionToken: env.AWS_SESSION_TOKEN,
    },
    clock(),
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

function required(env: Environment, name: keyof Environment): string {
  const value = env[name]
  if (!value) throw new Error(`${name} is not set: a secret can be read on AWS only`)
  return value
}
