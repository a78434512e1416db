import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const slow = ['cluster', 'agent', 'engine', 'runtimes']

export default defineConfig(({ mode }) => ({
  resolve: {
    // examples and README import the package by its name
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
      { find: /^streamable-mcp\/(\w+)$/, replacement: source('adapters/$1.ts') },
    ],
  },
  test: {
    // `--mode cluster`, `--mode agent`: the slow ones, with other processes
    include: [slow.includes(mode) ? `test/**/*.${mode}.ts` : 'test/**/*.test.ts'],
    // they wait more than they compute, so every processor may have its file
    maxWorkers: '100%',
    // a second, vitest's own, is soon gone on a machine with other things to do
    expect: { poll: { timeout: 10_000 } },
    testTimeout: slow.includes(mode) ? 120_000 : 15_000,
  },
}))
