/** The behaviour suite through three processes on one table. A test does not know which process answers. */

import { behaviour } from '../suites/behaviour.ts'
import { startCluster } from '../support/cluster.ts'
import { startDynalite } from '../support/dynalite.ts'

const entry = new URL('../support/run-behaviour-server.ts', import.meta.url)

behaviour('behaviour, through a front that changes instance at every request', async (options) => {
  const dynalite = await startDynalite()
  const env = {
    ...dynalite.env,
    LOG_LEVEL: 'silent',
    ...(options && { BEHAVIOUR_OPTIONS: JSON.stringify(options) }),
  }
  const cluster = await startCluster({ entry, env })
  return {
    url: `${cluster.url}/mcp`,
    fetch,
    async close() {
      await cluster.close()
      await dynalite.close()
    },
  }
})
