/** Finds region, endpoint and credentials for the direct way to DynamoDB, or tells that only the AWS SDK can find them. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Credentials } from '../shared/signature.ts'
import type { DynamoOptions } from './options.ts'
import type { Sdk } from './sdk-client.ts'
import { loadSdk } from './sdk-client.ts'

export interface DirectSettings {
  readonly region: string
  readonly endpoint: URL
  /** Returns the current credentials; with `renew`, new ones although the known ones have not expired. */
  credentials(renew: boolean): Promise<Credentials>
}

type Environment = Readonly<Record<string, string | undefined>>

/** Regions whose endpoint can be derived from their name. */
const KNOWN_REGION = /^(us|us-gov|eu|ap|sa|ca|me|af|il|mx|cn)-[a-z]+-\d$/

/**
 * Returns undefined where only the SDK knows the endpoint: with a client that the caller passes, FIPS or
 * dual-stack endpoints, a configuration file, or a region of another kind.
 */
export async function directSettings(
  options: DynamoOptions,
  env: Environment = process.env,
): Promise<DirectSettings | undefined> {
  if (options.client) return undefined
  if (isOn(env.AWS_USE_FIPS_ENDPOINT) || isOn(env.AWS_USE_DUALSTACK_ENDPOINT)) return undefined
  const accessKeyId = env.AWS_ACCESS_KEY_ID
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY
  const hasKeys = Boolean(accessKeyId && secretAccessKey && !env.AWS_PROFILE)
  const configured = options.endpoint ?? endpointOf(env)
  // A configuration file may name an endpoint, a region or credentials of its own.
  if (!(hasKeys && configured) && hasConfigFile(env)) return undefined

  const known = options.region ?? env.AWS_REGION
  if (hasKeys && known) {
    const endpoint = toEndpoint(configured, known)
    if (!endpoint) return undefined
    const sessionToken = env.AWS_SESSION_TOKEN
    const keys: Credentials = {
      accessKeyId: accessKeyId ?? '',
      secretAccessKey: secretAccessKey ?? '',
      ...(sessionToken && { sessionToken }),
    }
    return { region: known, endpoint, credentials: async () => keys }
  }
  return settingsOfSdk(await loadSdk(), known, configured)
}

/** Returns the credentials that the SDK would use: of instance and container roles, web identities, single sign-on. */
async function settingsOfSdk(
  sdk: Sdk,
  known: string | undefined,
  configured: string | undefined,
): Promise<DirectSettings | undefined> {
  const { config } = new sdk.DynamoDBClient({ ...(known && { region: known }) })
  const region = await config.region()
  const endpoint = toEndpoint(configured, region)
  if (!endpoint) return undefined
  return {
    region,
    endpoint,
    credentials: (renew) => config.credentials(renew ? { forceRefresh: true } : {}),
  }
}

function endpointOf(env: Environment): string | undefined {
  if (isOn(env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS)) return undefined
  return env.AWS_ENDPOINT_URL_DYNAMODB || env.AWS_ENDPOINT_URL || undefined
}

function toEndpoint(configured: string | undefined, region: string): URL | undefined {
  if (configured !== undefined) {
    const endpoint = URL.canParse(configured) ? new URL(configured) : undefined
    // The signature is made for the path `/`.
    return endpoint && endpoint.pathname === '/' && !endpoint.search ? endpoint : undefined
  }
  if (!KNOWN_REGION.test(region)) return undefined
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return new URL(`https://dynamodb.${region}.${suffix}`)
}

function hasConfigFile(env: Environment): boolean {
  const home = homedir()
  return [
    env.AWS_CONFIG_FILE ?? join(home, '.aws', 'config'),
    env.AWS_SHARED_CREDENTIALS_FILE ?? join(home, '.aws', 'credentials'),
  ].some((file) => existsSync(file))
}

const isOn = (value: string | undefined) => value?.toLowerCase() === 'true'
