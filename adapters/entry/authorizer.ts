/** The authorizer in front of the reference server on API Gateway, by the same environment. */

import { authorizer } from '../authorizer.ts'
import { EnvironmentError } from '../env.ts'
import { readCacheSeconds, readLambdaAuth } from '../lambda-env.ts'

const auth = await readLambdaAuth(process.env)
if (!auth) throw new EnvironmentError('AUTH_METHOD=none leaves an authorizer nothing to verify')

export const handler = authorizer(auth, { cacheSeconds: readCacheSeconds(process.env) })
