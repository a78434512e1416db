/** The reference server on Lambda, configured by the environment that `template.yaml` sets. */

import { lambda, readEnvironment } from '../../adapters/lambda.ts'
import { readLambdaTools, readPage } from '../config.ts'
import { createReferenceServer } from '../tools/index.ts'

// A cold start reads the page only where it is shown.
const show = readPage(process.env, 'off')
const page = show && (await import('../../adapters/page.ts')).page(show)
const options = { ...(await readEnvironment()), ...(page && { page }) }
const mcp = createReferenceServer(options, readLambdaTools(process.env))

export const handler = lambda(mcp)
