/** The authorizer in front of the server. It reads the same environment. */

import { authorizer, EnvironmentError, readAuth, readCacheSeconds } from 'streamable-mcp/authorizer'

const auth = await readAuth()
if (!auth) throw new EnvironmentError('AUTH_METHOD=none leaves an authorizer nothing to verify')

export const handler = authorizer(auth, { cacheSeconds: readCacheSeconds() })
