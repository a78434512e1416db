/** A stack on this machine: its functions with their environment, a table, a secret, and the gateway in front. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startDynalite } from '../support/dynalite.ts'
import type { Parameters } from './cloudformation.ts'
import { stackOf } from './cloudformation.ts'
import { lambdaHost } from './lambda-host.ts'
import { restFront } from './rest-front.ts'

export interface DeployOptions {
  parameters: Parameters
  /** The path of the template. @default the repository's own */
  template?: string
  /** The token in Secrets Manager. */
  secret: string
  /** Environment that no template sets, such as endpoints on this machine. */
  env?: Record<string, string>
  /** Where the bundles are. @default dist/lambda/ */
  base?: URL
  /** The folder of each function's bundle in `base`. */
  folders?: { McpFunction: string; AuthorizerFunction: string }
  /** Gets what must be closed, in the order of its start. */
  closers: (() => Promise<unknown>)[]
}

/** A stand-in for Secrets Manager that has one secret, under the ARN that the stack gives it. */
async function secretsManager(
  arn: string,
  secret: string,
  closers: (() => Promise<unknown>)[],
): Promise<string> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const { SecretId } = JSON.parse(Buffer.concat(parts).toString())
    const known = SecretId === arn
    response.writeHead(known ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(
      JSON.stringify(known ? { SecretString: secret } : { __type: 'ResourceNotFoundException' }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts everything in a stack that runs, configured only by the template. */
export async function deployStack(options: DeployOptions) {
  const { parameters, template, secret, closers, env = {} } = options
  const { folders = { McpFunction: 'lambda', AuthorizerFunction: 'authorizer' } } = options
  const { base = new URL('../../dist/lambda/', import.meta.url) } = options
  const stack = stackOf(parameters, template)
  const database = await startDynalite({ table: String(stack.outputs.Table) })
  closers.push(database.close)
  const local = {
    AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await secretsManager(
      'arn:aws:secretsmanager:eu-west-1:123456789012:secret:weather-Token-AbCdEf',
      secret,
      closers,
    ),
    ...env,
  }
  const host = (id: keyof typeof folders) => {
    const resource = stack.resources[id]
    if (resource === undefined) throw new Error(`there is no ${id}`)
    const { Environment, Timeout } = resource.Properties as {
      Environment: { Variables: Record<string, string | number> }
      Timeout: number | string
    }
    const given = Object.entries(Environment.Variables).map(([name, value]) => [name, `${value}`])
    const started = lambdaHost({
      taskRoot: new URL(folders[id], base).pathname,
      name: id,
      timeoutSeconds: Number(Timeout),
      env: { ...Object.fromEntries(given), ...local },
    })
    closers.push(started.close)
    return started
  }
  const mcp = host('McpFunction')
  const gate = stack.resources.AuthorizerFunction && host('AuthorizerFunction')
  const functions = { McpFunction: mcp, ...(gate && { AuthorizerFunction: gate }) }
  const front = await restFront({ stack, functions })
  closers.push(front.close)
  return { front, mcp, gate, endpoint: new URL(String(stack.outputs.Endpoint)) }
}
