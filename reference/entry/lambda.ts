/** The reference server on Lambda, set up by the environment that `template.yaml` gives it. */

import { readLambdaAuth, readLambdaStore } from '../../adapters/environment/lambda.ts'
import { readOptions } from '../../adapters/environment/options.ts'
import { lambda } from '../../adapters/lambda.ts'
import { readLambdaTools } from '../config.ts'
import { createReferenceServer } from '../tools/index.ts'

const { env } = process
const auth = await readLambdaAuth(env)
const mcp = createReferenceServer(
  {
    ...readOptions(env),
    ...readLambdaStore(env),
    ...(auth && { auth }),
    // Each listener keeps an instance busy, which costs money.
    listening: env.MCP_STREAMS === 'true',
  },
  readLambdaTools(env),
)

export const handler = lambda(mcp)
