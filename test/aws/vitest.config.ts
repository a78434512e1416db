/** The checks that need Node 24 and Python tools (`tools.sh`), which `npm test` does without. */

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/aws/*.check.ts'],
    // Processes are started and AWS clients loaded on two busy cores.
    testTimeout: 30_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})
