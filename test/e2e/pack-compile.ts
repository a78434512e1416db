/** `npm run test:pack`: compiles a new project with the package, without DOM types, with `skipLibCheck: false` and both kinds of module resolution. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'streamable-mcp-compile-'))

/** A program with every entry of the package, the types that authors use, and a server that answers. */
const PROGRAM = `
import type { Context, JsonSchema, McpOptions, Principal, Schema, Store, ToolReturn } from 'streamable-mcp'
import { bearer, cognito, createMcp, failure, gateway, image, McpError, memoryStore, oauth, text } from 'streamable-mcp'
import { authorizer } from 'streamable-mcp/authorizer'
import { durable } from 'streamable-mcp/durable'
import { dynamoStore } from 'streamable-mcp/dynamodb'
import { bufferedLambda, lambda } from 'streamable-mcp/lambda'
import { serve } from 'streamable-mcp/node'
import { page } from 'streamable-mcp/page'
import { postgresStore } from 'streamable-mcp/postgres'
import { openTelemetry } from 'streamable-mcp/opentelemetry'
import { redisStore } from 'streamable-mcp/redis'
import { connect, testClock, testStore } from 'streamable-mcp/testing'
import * as v from 'valibot'

const store: Store = memoryStore()
const options: McpOptions = { name: 'stranger', version: '1', store, page: page() }
const mcp = createMcp(options)
const input = { type: 'object' } satisfies JsonSchema satisfies Schema
const who = ({ principal }: Context): Principal | undefined => principal
mcp.tool('add', { description: 'Adds', input: v.object({ a: v.number(), b: v.number() }) }, ({ a, b }) => a + b)
mcp.tool('who', { description: 'Says who', input }, (_, ctx): ToolReturn => who(ctx)?.subject ?? failure('Nobody'))
const entries = [authorizer, bearer, bufferedLambda, cognito, connect, durable, dynamoStore, gateway, image, lambda, McpError, oauth, openTelemetry, postgresStore, redisStore, testClock, testStore, text]
const { port, close } = await serve(mcp, { port: 0 })
const answer = await fetch(\`http://127.0.0.1:\${port}/mcp\`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/json' },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'stranger', version: '1' } },
  }),
})
const opened = await fetch(\`http://127.0.0.1:\${port}/mcp\`, { headers: { accept: 'text/html' } })
if (!(await opened.text()).startsWith('<!doctype html>')) throw new Error('The page is missing')
console.log(answer.status, entries.every((entry) => typeof entry === 'function'))
await close()
`

/** The optional peers, with their types, for a project that uses every entry. */
const PEERS = [
  '@types/node@20',
  '@types/pg@8',
  '@aws-sdk/client-dynamodb@3',
  '@aws/durable-execution-sdk-js@2',
  '@modelcontextprotocol/client@2',
  '@opentelemetry/api@1.9',
  'ioredis@6',
  'pg@8',
]

/** TypeScript 5.9 and 6, which authors use. The compiler of this project is newer. */
const COMPILERS = ['typescript@~5.9.0', 'typescript@~6.0.0']

try {
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const tarball = (await readdir(folder)).find((name) => /^streamable-mcp-\d.*\.tgz$/.test(name))
  if (!tarball) throw new Error('npm pack made no tarball')
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}')
  await writeFile(join(folder, 'server.ts'), PROGRAM)
  const install = (...names: string[]) =>
    run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...names], {
      cwd: folder,
    })
  await install(`./${tarball}`, ...PEERS)
  for (const compiler of COMPILERS) {
    await install(compiler)
    for (const [module, moduleResolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      const compilerOptions = {
        target: 'es2022',
        lib: ['es2022'],
        module,
        moduleResolution,
        types: ['node'],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        outDir: 'out',
      }
      const config = { compilerOptions, include: ['server.ts'] }
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
      const compiled = run('npx', ['--no-install', 'tsc'], { cwd: folder })
      await compiled.catch(({ stdout }) => {
        throw new Error(`${compiler}, ${moduleResolution}:\n${stdout}`)
      })
      const { stdout } = await run(process.execPath, ['out/server.js'], { cwd: folder })
      if (stdout !== '200 true\n') throw new Error(`The compiled server says ${stdout}`)
      process.stdout.write(
        `✓ ${compiler} compiles it with ${moduleResolution} and no DOM, and it runs\n`,
      )
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
