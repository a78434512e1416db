/** An endpoint for tests: requests go through the translated API and Lambda's runtime client to a bundle on DynamoDB. */

import type { McpOptions } from '../../src/index.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import type { TestEndpoint } from '../support/wire.ts'
import type { Parameters, Stack } from './cloudformation.ts'
import { stackOf } from './cloudformation.ts'
import type { LambdaHost } from './lambda-host.ts'
import { lambdaHost } from './lambda-host.ts'
import type { RestFront } from './rest-front.ts'
import { restFront } from './rest-front.ts'

export interface RestDoorOptions {
  taskRoot: string
  /** The options of the server, as plain data. */
  options?: Partial<McpOptions> | undefined
  env?: Record<string, string>
  timeoutSeconds?: number
  parameters?: Parameters
}

export interface RestEndpoint extends TestEndpoint {
  readonly host: LambdaHost
  readonly front: RestFront
  readonly database: Dynalite
}

const stacks = new Map<string, Stack>()

export async function restEndpoint({
  taskRoot,
  options = {},
  env = {},
  timeoutSeconds = 30,
  parameters = { AuthMethod: 'none' },
}: RestDoorOptions): Promise<RestEndpoint> {
  const database = await startDynalite()
  const host = lambdaHost({
    taskRoot,
    name: 'mcp',
    timeoutSeconds,
    env: { ...database.env, SERVER_OPTIONS: JSON.stringify(options), ...env },
  })
  const key = JSON.stringify(parameters)
  const stack = stacks.get(key) ?? stackOf(parameters)
  stacks.set(key, stack)
  const front = await restFront({ stack, functions: { McpFunction: host } })
  return {
    url: `${front.url}/mcp`,
    fetch: front.fetch,
    host,
    front,
    database,
    async close() {
      await front.close()
      if (process.env.SHOW) console.error(host.starts, host.pids.length, host.log)
      await host.close()
      await database.close()
    },
  }
}
