/**
 * Builds the page for people from `page/src` into one module, `adapters/page/asset.js`, and into `dist` where
 * the library has been compiled. `npm run build:lib` runs it, and the tests of the page do.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = join(root, 'page/src')

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%232456c9'/%3E%3Cpath d='M4 11V5l4 4 4-4v6' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E"

export interface BuiltPage {
  /** The bytes of the page as a browser downloads them. */
  readonly compressed: number
  readonly html: string
}

/** Builds the page and writes the module. Several processes may do so at once. */
export async function buildPage(): Promise<BuiltPage> {
  const [script, style, frameScript] = await Promise.all([
    bundle('main.tsx'),
    bundle('style.css'),
    bundle('apps/frame.ts'),
  ])
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>MCP server</title><link rel="icon" href="${ICON}"><style>${style}</style></head><body><div id="root"><header><h1>MCP server</h1></header><noscript>This page is an MCP client, which needs JavaScript. Programs connect to this URL by the Model Context Protocol.</noscript></div><script type="module">${script}</script></body></html>
`
  const frame = `<!doctype html><meta charset="utf-8"><title>MCP App</title><script>${frameScript}</script>`
  const compressed = gzipSync(html, { level: 9 })
  const text = [
    '/** Written by page/build.ts. */',
    `export const PAGE = ${JSON.stringify(compressed.toString('base64'))}`,
    `export const FRAME = ${JSON.stringify(frame)}`,
    `export const SCRIPT_HASH = ${JSON.stringify(hashOf(script))}`,
    `export const STYLE_HASH = ${JSON.stringify(hashOf(style))}`,
    '',
  ].join('\n')
  await write(join(root, 'adapters/page/asset.js'), text)
  if (existsSync(join(root, 'dist/adapters/page.js'))) {
    await write(join(root, 'dist/adapters/page/asset.js'), text)
  }
  return { compressed: compressed.length, html }
}

async function bundle(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(sources, name)],
    bundle: true,
    minify: true,
    write: false,
    format: name.endsWith('frame.ts') ? 'iife' : 'esm',
    target: ['chrome110', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'error',
  })
  // The end tag of the element would end the script early.
  return (outputFiles[0]?.text ?? '').trim().replaceAll('</script', '<\\/script')
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

/** Writes a file as a whole, so that no reader sees a part of it. A file that is the same stays. */
async function write(path: string, text: string): Promise<void> {
  if (existsSync(path) && (await readFile(path, 'utf8')) === text) return
  await mkdir(dirname(path), { recursive: true })
  const part = `${path}.${randomUUID()}`
  await writeFile(part, text)
  await rename(part, path)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { compressed } = await buildPage()
  process.stdout.write(`The page has ${(compressed / 1024).toFixed(1)} KiB.\n`)
}
