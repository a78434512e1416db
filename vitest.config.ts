import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const slow = ['cluster', 'agent', 'engine', 'page', 'proxy', 'report', 'runtimes', 'terminal']

export default defineConfig(({ mode }) => ({
  resolve: {
    // The examples and the documents import the package by its name.
    alias: [
      { find: /^streamable-mcp$/, replacement: source('src/index.ts') },
      {
        find: /^streamable-mcp\/dynamodb$/,
        replacement: source('adapters/dynamodb/dynamo-store.ts'),
      },
      {
        find: /^streamable-mcp\/(redis|postgres)$/,
        replacement: source('adapters/$1/$1-store.ts'),
      },
      { find: /^streamable-mcp\/(\w+(?:\/\w+)?)$/, replacement: source('adapters/$1.ts') },
    ],
  },
  test: {
    // `--mode cluster` and its like run the slow tests, which start many processes.
    include: [slow.includes(mode) ? `test/**/*.${mode}.ts` : 'test/**/*.test.ts'],
    // Files that run one after the other in a process share their modules: half the time was their loading.
    isolate: slow.includes(mode),
    setupFiles: ['test/support/restore-environment.ts'],
    // The tests wait more than they compute, so two processors run four files at once.
    maxWorkers: '200%',
    // The default of one second is too short on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: slow.includes(mode) ? 120_000 : 30_000,
  },
}))
