/** The reference server on Lambda, set up by the environment that `template.yaml` gives it. */

import { createReferenceServer } from '../../src/tools/index.ts'
import { readOptions } from '../env.ts'
import { lambda } from '../lambda.ts'

export const handler = lambda(
  createReferenceServer({ ...readOptions(process.env), listening: false }),
)
