/** Several real server processes behind a front that changes instance at every request. */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

export interface ClusterOptions {
  /**
   * A module that starts a server on `HOST` and `PORT` (0: any) and writes its URL to stdout.
   * @default cluster-server.ts, with tools for tests
   */
  entry?: string | URL
  /** @default 3 */
  instances?: number
  /** More environment variables for every instance. */
  env?: Record<string, string>
}

export interface Instance {
  /** The URL of the instance itself, without the front. */
  readonly url: string
  readonly pid: number
  /** The output on stderr so far. */
  readonly stderr: string
  /** The number of requests that the front sent to it. */
  readonly served: number
}

export interface Cluster extends AsyncDisposable {
  /** The URL of the front, without a path. */
  readonly url: string
  readonly instances: readonly Instance[]
  /** The instance that got the last request. */
  readonly last: number
  /** Returns the number of open requests of the front at an instance, including streams. */
  openUpstreams(index: number): number
  /** Sends the next request to this instance, if it accepts requests. Later ones take turns as before. */
  next(index: number): void
  /**
   * Sends a signal. Until SIGCONT, the front sends no more requests to the instance; running requests
   * continue if the signal allows it. If the signal ends the process, resolves after its end.
   */
  signal(index: number, signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /** Starts a new process in place of a process that ended. */
  restart(index: number): Promise<void>
  close(): Promise<void>
}

interface Running extends Instance {
  child: ChildProcess
  takesRequests: boolean
  served: number
  open: number
}

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { instances: count = 3, env = {} } = options
  const entry = options.entry ?? new URL('cluster-server.ts', import.meta.url)
  const started = await Promise.allSettled(
    Array.from({ length: count }, () => startInstance(entry, env)),
  )
  const instances = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  const failed = started.find((start) => start.status === 'rejected')
  if (failed) {
    await Promise.all(instances.map(end))
    throw failed.reason
  }

  let last = -1
  /** Returns the instances that accept requests, the longest idle first. */
  const turns = () =>
    instances.map((_, i) => (last + 1 + i) % count).filter((i) => at(i).takesRequests)
  const at = (index: number): Running => {
    const instance = instances[index]
    if (!instance) throw new RangeError(`There is no instance ${index}`)
    return instance
  }

  const front = createServer((incoming, outgoing) => {
    const order = turns()
    const tryNext = () => {
      const index = order.shift()
      if (index === undefined) {
        outgoing.writeHead(503, { 'content-type': 'text/plain' }).end('No instance is there')
        return
      }
      last = index
      at(index).served += 1
      forward(at(index), incoming, outgoing, () => {
        at(index).served -= 1
        tryNext()
      })
    }
    tryNext()
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')

  const cluster: Cluster = {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    instances,
    get last() {
      return last
    },
    openUpstreams: (index) => at(index).open,
    next(index) {
      last = (index - 1 + count) % count
    },
    async signal(index, signal) {
      const { child } = at(index)
      at(index).takesRequests = signal === 'SIGCONT'
      child.kill(signal)
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await ended(child)
    },
    async restart(index) {
      await end(at(index))
      instances[index] = await startInstance(entry, env)
    },
    async close() {
      front.close()
      front.closeAllConnections()
      await Promise.all(instances.map(end))
    },
    [Symbol.asyncDispose]: () => cluster.close(),
  }
  return cluster
}

/** The time in which a process must print its address, in milliseconds. It is long for a busy machine. */
const STARTS_WITHIN = 30_000

async function startInstance(entry: string | URL, env: Record<string, string>): Promise<Running> {
  const file = entry instanceof URL ? fileURLToPath(entry) : entry
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // However this process ends, the other process must end, too.
  const reap = () => child.kill('SIGKILL')
  process.once('exit', reap)
  child.once('exit', () => process.off('exit', reap))

  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => {
      child.kill('SIGKILL')
      reject(new Error(`The instance ${why}:\n${stderr}`))
    }
    const timer = setTimeout(() => fail(`did not start within ${STARTS_WITHIN} ms`), STARTS_WITHIN)
    const onExit = (code: number | null) => {
      clearTimeout(timer)
      fail(`ended with code ${code}`)
    }
    child.once('exit', onExit)
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(stdout)
      if (!found) return
      clearTimeout(timer)
      child.off('exit', onExit)
      resolve(found[0])
    })
  })
  return {
    url,
    pid: child.pid ?? 0,
    child,
    takesRequests: true,
    served: 0,
    open: 0,
    get stderr() {
      return stderr
    },
  }
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function ended(child: ChildProcess): Promise<void> {
  if (!hasEnded(child)) await once(child, 'exit')
}

async function end({ child }: Running): Promise<void> {
  child.kill('SIGKILL')
  await ended(child)
}

/**
 * Forwards one request, and both bodies as they arrive. Returns `refused` if the instance does not listen;
 * then the request can be sent to another one. If one side closes, the other side is closed.
 */
function forward(
  instance: Running,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  refused: () => void,
): void {
  const { method, headers } = incoming
  const upstream = request(new URL(incoming.url ?? '/', instance.url), {
    method,
    headers: endToEnd(headers),
    // Each request opens a connection, so that a refusal is known before anything is sent.
    agent: false,
  })
  instance.open += 1
  upstream.once('close', () => {
    instance.open -= 1
  })
  upstream.once('socket', (socket) => {
    socket.once('connect', () => incoming.pipe(upstream))
  })
  upstream.once('response', (response) => {
    outgoing.writeHead(response.statusCode ?? 502, endToEnd(response.headers))
    // Headers may come long before the first event of a stream.
    outgoing.flushHeaders()
    response.pipe(outgoing)
    response.once('error', () => outgoing.destroy())
    response.once('aborted', () => outgoing.destroy())
  })
  upstream.once('error', (error) => {
    if ('code' in error && error.code === 'ECONNREFUSED') refused()
    else if (outgoing.headersSent) outgoing.destroy()
    else outgoing.writeHead(502, { 'content-type': 'text/plain' }).end('The instance went away')
  })
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) upstream.destroy()
  })
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding'])

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)))
}
