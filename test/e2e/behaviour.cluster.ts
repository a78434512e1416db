/**
 * The behaviour suite through three processes on one table, where a test does not know which process answers,
 * and through middleware.
 */

import { behaviour } from '../suites/behaviour.ts'
import { createBehaviourServer } from '../support/behaviour-server.ts'
import { startCluster } from '../support/cluster.ts'
import { startDynalite } from '../support/dynalite.ts'
import { fetchEndpoint } from '../support/wire.ts'

const entry = new URL('../support/run-behaviour-server.ts', import.meta.url)

// Middleware that passes everything on changes nothing that a client sees.
behaviour('behaviour, through three middlewares', async (options) => {
  const mcp = createBehaviourServer({ log: () => {}, ...options })
  mcp.use((_, next) => next())
  mcp.use(async (_, next) => await next())
  mcp.use('tool', async (_, next) => ({ ...(await next()) }))
  return fetchEndpoint(mcp)
})

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
