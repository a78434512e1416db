/** Starts a server that is one file on Bun, Deno or workerd. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const RUNTIMES = ['bun', 'deno', 'workerd'] as const
export type Runtime = (typeof RUNTIMES)[number]

const binary = (name: string) =>
  fileURLToPath(new URL(`node_modules/.bin/${name}`, import.meta.url))

/** Returns the configuration of a Worker: one module and a socket. */
const workerConfig = (port: number) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "server.mjs", esModule = embed "server.mjs")],
  compatibilityDate = "2026-01-01",
);
`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || !address) throw new Error('There is no free port')
  return address.port
}

function launch(runtime: Runtime, folder: string, port: number): ChildProcess {
  const file = join(folder, 'server.mjs')
  const args = {
    bun: ['run', file],
    deno: ['serve', '--no-check', '--host=127.0.0.1', `--port=${port}`, file],
    workerd: ['serve', join(folder, 'config.capnp')],
  }[runtime]
  return spawn(binary(runtime), args, {
    cwd: folder,
    env: { ...process.env, PORT: String(port), NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Starts a runtime. The folder contains the server as `server.mjs`. */
export async function startRuntime(
  runtime: Runtime,
  folder: string,
): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort()
  if (runtime === 'workerd') await writeFile(join(folder, 'config.capnp'), workerConfig(port))
  const child = launch(runtime, folder, port)
  const url = `http://127.0.0.1:${port}/mcp`
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(url, { method: 'OPTIONS' }).catch(() => undefined)
    if (answer) break
    if (child.exitCode !== null) throw new Error(`${runtime} ended with ${child.exitCode}`)
    if (attempt === 200) throw new Error(`${runtime} does not answer`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    url,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
