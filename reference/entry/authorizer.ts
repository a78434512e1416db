/** The authorizer in front of the reference server on API Gateway, by the same environment. */

import { authorizer } from '../../adapters/authorizer.ts'
import { readCacheSeconds, readLambdaAuth } from '../../adapters/environment/lambda.ts'
import { EnvironmentError } from '../../adapters/environment/options.ts'

const auth = await readLambdaAuth(process.env)
if (!auth) throw new EnvironmentError('AUTH_METHOD=none leaves an authorizer nothing to verify')

export const handler = authorizer(auth, { cacheSeconds: readCacheSeconds(process.env) })
