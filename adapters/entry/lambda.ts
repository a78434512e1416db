/** The reference server on Lambda, set up by the environment that `template.yaml` gives it. */

import { createReferenceServer } from '../../src/tools/index.ts'
import { readOptions } from '../env.ts'
import { lambda } from '../lambda.ts'
import { readLambdaAuth, readLambdaStore, readLambdaTools } from '../lambda-env.ts'

const { env } = process
const auth = await readLambdaAuth(env)
const mcp = createReferenceServer(
  {
    ...readOptions(env),
    ...readLambdaStore(env),
    ...(auth && { auth }),
    // Whoever listens keeps an instance busy, which somebody pays for.
    listening: env.MCP_STREAMS === 'true',
  },
  readLambdaTools(env),
)

export const handler = lambda(mcp)
