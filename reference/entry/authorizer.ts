/** The authorizer in front of the reference server on API Gateway. It reads the same environment as the server. */

import {
  authorizer,
  EnvironmentError,
  readAuth,
  readCacheSeconds,
} from '../../adapters/authorizer.ts'

const auth = await readAuth()
if (!auth) throw new EnvironmentError('AUTH_METHOD=none leaves an authorizer nothing to verify')

export const handler = authorizer(auth, { cacheSeconds: readCacheSeconds() })
