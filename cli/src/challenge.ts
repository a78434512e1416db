/** Reads what the WWW-Authenticate header of a 401 or 403 asks for. */

import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import type { Challenge } from './problem.ts'

export function challengeOf(response: Response): Challenge {
  const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(response)
  return {
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    ...(scope !== undefined && { scope }),
  }
}
