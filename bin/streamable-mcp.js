#!/usr/bin/env node
// `npx streamable-mcp`: starts the command-line client, which is the package `streamable-mcp-cli`, so
// that users of the library do not install its dependencies. This file is plain JavaScript, because
// npx in a clone of the repository has to find it before a build.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const workspace = new URL('../cli/bin/streamable-mcp-cli.js', import.meta.url)

/** The client of this clone, or the client that is installed beside this package. */
function installedClient() {
  if (existsSync(workspace)) return workspace.href
  try {
    return import.meta.resolve('streamable-mcp-cli')
  } catch {
    return undefined
  }
}

/** How to start npm without a shell, because a shell would change the arguments. */
function npmCommand() {
  const inUse = process.env.npm_execpath
  if (inUse !== undefined && basename(inUse) === 'npm-cli.js') return [process.execPath, inUse]
  const besideNode = join(dirname(process.execPath), 'node_modules/npm/bin/npm-cli.js')
  return existsSync(besideNode) ? [process.execPath, besideNode] : ['npm']
}

const client = installedClient()
if (client !== undefined) {
  await import(client)
} else {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const [command, ...before] = npmCommand()
  const words = ['exec', '--yes', '--', `streamable-mcp-cli@${version}`, ...process.argv.slice(2)]
  // Ctrl+C reaches the client, too. This process waits for its end and passes on its exit code.
  process.on('SIGINT', () => {})
  const child = spawn(command, [...before, ...words], { stdio: 'inherit' })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', () => {
    console.error('npm could not be started. → Run `npm install --global streamable-mcp-cli`.')
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
  })
}
