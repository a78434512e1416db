/** The reference server's tools as tasks on Lambda: what the durable function of `template.yaml` runs. */

import { durable, readEnvironment } from '../../adapters/durable.ts'
import { readLambdaTools } from '../config.ts'
import { createReferenceServer } from '../tools/index.ts'

export const handler = durable(
  createReferenceServer(await readEnvironment(), readLambdaTools(process.env)),
)
