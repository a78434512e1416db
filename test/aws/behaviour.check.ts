/** The behaviour suite through API Gateway and Lambda, several processes at once, each frozen when it has nothing to do. */

import { behaviour } from '../suites/behaviour.ts'
import { LegacyClient } from '../support/wire.ts'
import { bundle } from './bundle.ts'
import { restEndpoint } from './endpoint.ts'

const taskRoot = bundle('fixture/server.ts')

behaviour(
  'behaviour, through the REST API',
  async (options) => {
    const endpoint = await restEndpoint({ taskRoot, options })
    // Some tests count in milliseconds; how long a cold start takes is another check's question.
    for (let process = 0; process < 3; process++) {
      await (await LegacyClient.open(endpoint, '2025-11-25')).delete()
    }
    return endpoint
  },
  // Lambda is never told that a client has left, and freezes a process whose reply has ended.
  ['disconnect', 'background'],
)
