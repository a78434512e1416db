#!/usr/bin/env node
// Starts the program. A published package holds `dist`. A clone of the repository holds the sources,
// which run through tsx, so that the program always runs as it is written and without a build.
import { existsSync } from 'node:fs'

const source = new URL('../src/main.ts', import.meta.url)
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api')
  register()
  await import(source.href)
} else {
  await import(new URL('../dist/main.js', import.meta.url).href)
}
