import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    // examples and README import the package by its name
    alias: [
      { find: /^streamable-mcp$/, replacement: source('src/index.ts') },
      { find: /^streamable-mcp\/(\w+)$/, replacement: source('adapters/$1.ts') },
    ],
  },
  test: { include: ['test/**/*.test.ts'], testTimeout: 15_000 },
})
