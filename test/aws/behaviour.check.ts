/** The behaviour suite through API Gateway and Lambda, with several processes, each frozen while it is idle. */

import { behaviour } from '../suites/behaviour.ts'
import { LegacyClient } from '../support/wire.ts'
import { bundle } from './bundle.ts'
import { restEndpoint } from './endpoint.ts'

const taskRoot = bundle('fixture/server.ts')

behaviour(
  'behaviour, through the REST API',
  async (options) => {
    const endpoint = await restEndpoint({ taskRoot, options })
    // Some tests measure milliseconds, so the functions are warm. Another check measures cold starts.
    for (let process = 0; process < 3; process++) {
      await (await LegacyClient.open(endpoint, '2025-11-25')).delete()
    }
    return endpoint
  },
  // Lambda does not learn that a client has left, and freezes a process after the end of its reply.
  ['disconnect', 'background'],
)
