import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig(({ mode }) => ({
  resolve: {
    // examples and README import the package by its name
    alias: [
      { find: /^streamable-mcp$/, replacement: source('src/index.ts') },
      { find: /^streamable-mcp\/(\w+)$/, replacement: source('adapters/$1.ts') },
    ],
  },
  test: {
    // `--mode cluster`: the slow ones, with several processes each
    include: [mode === 'cluster' ? 'test/**/*.cluster.ts' : 'test/**/*.test.ts'],
    testTimeout: mode === 'cluster' ? 120_000 : 15_000,
  },
}))
