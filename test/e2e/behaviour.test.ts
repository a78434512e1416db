/** The behaviour suite through the two endpoints of a single process. */
import { serve } from '../../adapters/node.ts'
import { behaviour } from '../suites/behaviour.ts'
import { createBehaviourServer } from '../support/behaviour-server.ts'
import { fetchEndpoint } from '../support/wire.ts'

/** Keeps the log quiet, because the server would report the failures that the suite causes. */
const log = () => {}

behaviour('behaviour, through mcp.fetch', async (options) =>
  fetchEndpoint(createBehaviourServer({ log, ...options })),
)

behaviour('behaviour, through the Node adapter', async (options) => {
  const mcp = createBehaviourServer({ log, ...options })
  const { port, close } = await serve(mcp, { port: 0, grace: 0, signals: false })
  return { url: `http://127.0.0.1:${port}/mcp`, fetch, close }
})
