/** For tests of a server: an official client without a socket, a clock to turn, a store to look into. */

export type { TestClock } from './testing/clock.ts'
export { testClock } from './testing/clock.ts'
export { connect } from './testing/connect.ts'
export type {
  Answer,
  ConnectOptions,
  Fetches,
  Question,
  Sample,
  SampleParams,
} from './testing/options.ts'
export type { StoredItem, StoreOperation, TestStore, TestStoreOptions } from './testing/store.ts'
export { testStore } from './testing/store.ts'
