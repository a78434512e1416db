/** Environment variables that only the reference server reads: those of its AWS tools. */

import type { Environment } from '../adapters/environment/variables.ts'
import { EnvironmentError, readList } from '../adapters/environment/variables.ts'
import type { PageOptions } from '../adapters/page.ts'
import type { Prices } from './tools/bedrock-report/prices.ts'

/** The role that the usage report assumes when a caller names another account. */
export function readBedrock(env: Environment): { roleArn?: string; prices?: Prices } {
  const roleArn = env.BEDROCK_ROLE_ARN
  const prices = readPrices(env)
  if (!roleArn) return prices
  if (!/^arn:aws[a-z-]*:iam::[0-9]{12}:role\/\S+$/.test(roleArn)) {
    throw new EnvironmentError(
      `BEDROCK_ROLE_ARN must be the ARN of a role, arn:aws:iam::123456789012:role/Name, not "${roleArn}"`,
    )
  }
  return { roleArn, ...prices }
}

const PRICE_MEMBERS = new Set(['input', 'output', 'cacheRead', 'cacheWrite'])

/** US dollars for a million tokens, by model, as JSON: `{"nova-lite-v1:0": {"input": 0.06, "output": 0.24}}`. */
function readPrices({ BEDROCK_PRICES: json }: Environment): { prices?: Prices } {
  if (!json) return {}
  let prices: unknown
  try {
    prices = JSON.parse(json)
  } catch {
    prices = undefined
  }
  const isAmount = ([member, amount]: [string, unknown]) =>
    PRICE_MEMBERS.has(member) && typeof amount === 'number' && amount >= 0
  const isPrice = (price: unknown) =>
    isRecord(price) &&
    price.input !== undefined &&
    price.output !== undefined &&
    Object.entries(price).every(isAmount)
  if (!isRecord(prices) || !Object.values(prices).every(isPrice)) {
    throw new EnvironmentError(
      'BEDROCK_PRICES must be JSON such as {"nova-lite-v1:0": {"input": 0.06, "output": 0.24}}, in US dollars for a million tokens',
    )
  }
  return { prices: prices as Prices }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where the page for people is shown; undefined for nowhere. A server on Node shows it on its own machine. */
export function readPage(env: Environment, byDefault: 'loopback' | 'off'): PageOptions | undefined {
  const show = env.MCP_PAGE || byDefault
  if (show === 'off') return undefined
  if (show === 'loopback' || show === 'everywhere') return { show }
  throw new EnvironmentError(`MCP_PAGE must be off, loopback or everywhere, not "${show}"`)
}

/** Tools that the function's role has no rights for are not offered. */
export function readLambdaTools(env: Environment) {
  const off = readList(env, 'MCP_DISABLED_TOOLS') ?? []
  return {
    bedrock: !off.includes('get_bedrock_usage_report') && readBedrock(env),
    buckets: !off.includes('count_s3_buckets'),
  }
}
