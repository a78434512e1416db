import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const slow = [
  'cluster',
  'agent',
  'docs',
  'engine',
  'page',
  'proxy',
  'report',
  'runtimes',
  'terminal',
]

/** Files that measure heap or time, which what earlier files have left in the process would change. */
const measuring = [
  'test/budget.test.ts',
  'test/protocol/pages.test.ts',
  'test/schema/json-schema-limits.test.ts',
  'test/state/many.test.ts',
  'test/state/memory.test.ts',
]

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
    setupFiles: ['test/support/restore-environment.ts'],
    // The tests wait more than they compute, so two processors run four files at once.
    maxWorkers: 2 * availableParallelism(),
    // The default of one second is too short on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: slow.includes(mode) ? 120_000 : 30_000,
    projects: slow.includes(mode)
      ? // `--mode cluster` and its like run the slow tests, which start many processes.
        [{ extends: true, test: { name: mode, include: [`test/**/*.${mode}.ts`] } }]
      : [
          {
            // Files that follow each other in a process share their modules: half the time was their loading.
            extends: true,
            test: {
              name: 'shared',
              include: ['test/**/*.test.ts'],
              exclude: ['**/node_modules/**', ...measuring],
              isolate: false,
            },
          },
          { extends: true, test: { name: 'measuring', include: measuring } },
        ],
  },
}))
