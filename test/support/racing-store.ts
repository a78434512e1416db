/** A store in which a test can run another write between two operations, or let an operation fail. */
import type { Store, StoreKey } from '../../src/index.ts'
import { memoryStore } from '../../src/index.ts'

type Operation = 'get' | 'put' | 'delete' | 'append' | 'read'

export interface RacingStore extends Store {
  /** The store without races. Writers that use it do not wait for locks of the racing store. */
  readonly engine: Store
  /**
   * Runs `act` once, before the next operation of this kind on a key whose name contains `name`. When
   * `act` throws, the operation fails with that error.
   */
  before(operation: Operation, name: string, act: () => unknown): void
}

export function racingStore(engine: Store = memoryStore()): RacingStore {
  const races: { operation: Operation; name: string; act: () => unknown }[] = []

  async function race(operation: Operation, key: StoreKey): Promise<void> {
    const at = races.findIndex((one) => one.operation === operation && key[1].includes(one.name))
    const [found] = at < 0 ? [] : races.splice(at, 1)
    await found?.act()
  }

  return {
    ...engine,
    engine,
    before: (operation, name, act) => races.push({ operation, name, act }),
    async get(key) {
      await race('get', key)
      return engine.get(key)
    },
    async put(key, value, options) {
      await race('put', key)
      return engine.put(key, value, options)
    },
    async delete(key) {
      await race('delete', key)
      return engine.delete(key)
    },
    async append(log, after, entries, options) {
      await race('append', log)
      return engine.append(log, after, entries, options)
    },
    async read(log, after, limit) {
      await race('read', log)
      return engine.read(log, after, limit)
    },
  }
}
