/** The store contract on a real Redis server. */
import { redisStore } from '../../adapters/redis/redis-store.ts'
import { describeStore } from '../suites/store-contract.ts'
import { startRedis } from '../support/redis-server.ts'

describeStore('redisStore on Redis', async (clock) => {
  const server = await startRedis()
  const store = redisStore({ url: server.url, clock })
  const peer = redisStore({ url: server.url, clock })
  return {
    store,
    peer,
    async close() {
      await Promise.all([store.close(), peer.close()])
      await server.close()
    },
  }
})
