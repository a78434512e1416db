/** A server in a separate process on a separate core, which reports its CPU time and memory. */
import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Figures of a server's process: microseconds of CPU, bytes. */
export interface Usage {
  readonly cpu: number
  readonly rss: number
  readonly heapUsed: number
  /** Bytes of buffers outside the heap. */
  readonly external: number
  readonly majorCollections: number
}

export interface Process extends AsyncDisposable {
  readonly port: number
  /** Returns the figures; `collect` runs a garbage collection first. */
  usage(collect?: boolean): Promise<Usage>
}

export interface StartOptions {
  env?: Record<string, string>
  /** The command-line flags of Node. */
  flags?: string[]
}

/** Whether this machine can give servers and driver separate cores. */
export const pinned = cpus().length > 1 && spawnSync('taskset', ['-p', '1']).status === 0

/** Keeps this process, the driver, away from the servers' core. */
export function pinDriver(): void {
  if (pinned) spawnSync('taskset', ['-apc', `1-${cpus().length - 1}`, String(process.pid)])
}

export async function start(name: string, options: StartOptions = {}): Promise<Process> {
  const { env = {}, flags = ['--expose-gc'] } = options
  const script = fileURLToPath(new URL(`dist/${name}.mjs`, import.meta.url))
  const node = [process.execPath, ...flags, script]
  const [command = '', ...args] = pinned ? ['taskset', '-c', '0', ...node] : node
  const child = spawn(command, args, {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  let stopped = false
  child.once('exit', (code, signal) => {
    // A client may notice a closed connection, and stop the server, before the exit of the process is known.
    if (stopped && signal === 'SIGKILL') return
    process.stderr.write(`The server ${name} ended: ${signal ?? `exit code ${code}`}\n`)
  })
  const { port } = await message<{ port: number }>(child, name)
  return {
    port,
    usage(collect = false) {
      const answer = message<Usage>(child, name)
      child.send({ collect })
      return answer
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

function message<T>(child: ChildProcess, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`${name} ended (exit code ${code})`))
    child.once('exit', onExit)
    child.once('message', (value) => {
      child.off('exit', onExit)
      resolve(value as T)
    })
  })
}
