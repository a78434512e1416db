/** The reference server on Lambda, configured by the environment that `template.yaml` sets. */

import { lambda, readEnvironment } from '../../adapters/lambda.ts'
import { readLambdaTools } from '../config.ts'
import { createReferenceServer } from '../tools/index.ts'

const mcp = createReferenceServer(await readEnvironment(), readLambdaTools(process.env))

export const handler = lambda(mcp)
