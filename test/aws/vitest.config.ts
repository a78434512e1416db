/** The checks that need Node 24 and Python tools (`tools.sh`). `npm test` does not run them. */

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/aws/*.check.ts'],
    // The checks start processes and load AWS clients, which is slow on two busy cores.
    testTimeout: 30_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})
