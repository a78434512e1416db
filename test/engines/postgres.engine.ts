/** The store contract on a real PostgreSQL server. */
import { createTables, postgresStore } from '../../adapters/postgres/postgres-store.ts'
import { describeStore } from '../suites/store-contract.ts'
import { startPostgres } from '../support/postgres-server.ts'

describeStore('postgresStore on PostgreSQL', async (clock) => {
  const server = await startPostgres()
  await createTables({ url: server.url })
  const store = postgresStore({ url: server.url, clock })
  const peer = postgresStore({ url: server.url, clock })
  return {
    store,
    peer,
    async close() {
      await Promise.all([store.close(), peer.close()])
      await server.close()
    },
  }
})
