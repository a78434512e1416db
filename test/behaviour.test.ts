/** The behaviour suite through the two doors of a single process. */
import { serve } from '../adapters/node.ts'
import { behaviour } from './behaviour.ts'
import { createBehaviourServer } from './behaviour-server.ts'
import { fetchDoor } from './wire.ts'

/** The server reports the failures that the suite provokes. */
const log = () => {}

behaviour('behaviour, through mcp.fetch', async (options) =>
  fetchDoor(createBehaviourServer({ log, ...options })),
)

behaviour('behaviour, through the Node door', async (options) => {
  const mcp = createBehaviourServer({ log, ...options })
  const { port, close } = await serve(mcp, { port: 0, grace: 0, signals: false })
  return { url: `http://127.0.0.1:${port}/mcp`, fetch, close }
})
