/**
 * Runs a function of AWS Lambda on this machine: the Runtime API for the real runtime client, in several
 * processes. Each handles one invocation at a time, and is frozen between two of them if asked.
 */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

export interface LambdaHostOptions {
  /** The folder with the bundle, whose `index.mjs` exports `handler`. */
  taskRoot: string
  name?: string
  env?: Record<string, string>
  /** The number of processes that requests rotate through, so that two invocations in a row use different ones. @default 3 */
  warm?: number
  /** The largest number of processes when those are busy; further invocations wait. @default 30 */
  concurrency?: number
  /** The function's timeout in seconds. @default 30 */
  timeoutSeconds?: number
  /** Stop each process (SIGSTOP) while it is idle, as Lambda freezes it. @default true */
  freeze?: boolean
}

/** The response. A streamed body must be read to its end, even if the test does not need it. */
export interface Invocation {
  readonly streamed: boolean
  readonly contentType: string
  readonly body: Readable
  /** Resolves when the invocation has ended, with an error if the function failed. */
  readonly ended: Promise<FunctionError | undefined>
  readonly pid: number
}

export interface FunctionError {
  readonly errorType: string
  readonly errorMessage: string
}

export interface LambdaHost {
  readonly name: string
  invoke(event: unknown): Promise<Invocation>
  /** Process ids, in the order of their start. */
  readonly pids: readonly number[]
  /** The process of each invocation, in order. */
  readonly served: readonly number[]
  /** Milliseconds of each invocation that has ended. */
  readonly billed: readonly number[]
  /** How often a process was started. A crash adds one. */
  readonly starts: number
  /** The output of all processes. */
  readonly log: string
  close(): Promise<void>
}

export const tools = new URL('../../.cache/aws/', import.meta.url).pathname

export function lambdaHost(options: LambdaHostOptions): LambdaHost {
  const { name = 'function', concurrency = 30 } = options
  const warm = Math.min(options.warm ?? 3, concurrency)
  const sandboxes: Sandbox[] = []
  const waiting: (() => void)[] = []
  const served: number[] = []
  const billed: number[] = []
  const shared = { log: '', starts: 0, wake: () => waiting.shift()?.() }

  async function free(): Promise<Sandbox> {
    for (;;) {
      const alive = sandboxes.filter((sandbox) => !sandbox.dead)
      sandboxes.splice(0, sandboxes.length, ...alive)
      const idle = alive.filter((sandbox) => !sandbox.busy).sort((a, b) => a.used - b.used)[0]
      if (alive.length < (idle ? warm : concurrency)) {
        const started = new Sandbox(options, shared)
        sandboxes.push(started)
        return started
      }
      if (idle) return idle
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
  }

  return {
    name,
    async invoke(event) {
      const sandbox = await free()
      const began = performance.now()
      const invocation = await sandbox.invoke(event)
      void invocation.ended.then(() => billed.push(performance.now() - began))
      served.push(invocation.pid)
      return invocation
    },
    served,
    billed,
    get pids() {
      return sandboxes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
    },
    get starts() {
      return shared.starts
    },
    get log() {
      return shared.log
    },
    async close() {
      await Promise.all(sandboxes.map((sandbox) => sandbox.close()))
    },
  }
}

interface Shared {
  log: string
  starts: number
  wake(): void
}

interface Current {
  readonly id: string
  readonly timer: NodeJS.Timeout
  answered(invocation: Omit<Invocation, 'ended' | 'pid'>): void
  end(error?: FunctionError): void
}

let clock = 0

/** One execution environment: a process, and the Runtime API that it talks to. */
class Sandbox {
  busy = false
  dead = false
  used = 0
  readonly #options: LambdaHostOptions
  readonly #shared: Shared
  readonly #api: Server
  #child: ChildProcess | undefined
  #next: ServerResponse | undefined
  #ready: (() => void) | undefined
  #current: Current | undefined

  constructor(options: LambdaHostOptions, shared: Shared) {
    this.#options = options
    this.#shared = shared
    this.#api = createServer((request, response) => this.#handle(request, response))
    // A frozen process finds its connection as it left it, however long that is ago.
    this.#api.keepAliveTimeout = 0
    this.#api.listen(0, '127.0.0.1', () => this.#start())
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async invoke(event: unknown): Promise<Invocation> {
    this.busy = true
    this.used = ++clock
    const next = await this.#awaitNext()
    const { timeoutSeconds = 30, name = 'function' } = this.#options
    const id = randomUUID()
    return new Promise((resolve) => {
      let end: Current['end'] = () => undefined
      const ended = new Promise<FunctionError | undefined>((settle) => {
        end = settle
      })
      let answered = false
      const pid = this.pid ?? 0
      this.#current = {
        id,
        timer: setTimeout(() => {
          // At the timeout Lambda ends the environment.
          this.#fail('Sandbox.Timedout', `Task timed out after ${timeoutSeconds}.00 seconds`)
          this.#child?.kill('SIGKILL')
        }, timeoutSeconds * 1000),
        answered(invocation) {
          answered = true
          resolve({ ...invocation, ended, pid })
        },
        end(error) {
          end(error)
          if (answered) return
          const body = Readable.from([])
          resolve({ streamed: false, contentType: 'application/json', body, ended, pid })
        },
      }
      next.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': id,
        'lambda-runtime-deadline-ms': String(Date.now() + timeoutSeconds * 1000),
        'lambda-runtime-invoked-function-arn': `arn:aws:lambda:eu-west-1:123456789012:function:${name}`,
        'lambda-runtime-trace-id': 'Root=1-00000000-000000000000000000000000;Sampled=0',
      })
      next.end(JSON.stringify(event))
    })
  }

  async close(): Promise<void> {
    this.dead = true
    const child = this.#child
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    this.#api.closeAllConnections()
    await new Promise((resolve) => this.#api.close(resolve))
  }

  async #awaitNext(): Promise<ServerResponse> {
    if (this.#next === undefined) {
      await new Promise<void>((resolve) => {
        this.#ready = resolve
      })
    }
    const next = this.#next
    if (next === undefined) throw new Error(`the function did not start:\n${this.#shared.log}`)
    this.#next = undefined
    this.#child?.kill('SIGCONT')
    return next
  }

  #start(): void {
    if (this.dead) return
    const { taskRoot, name = 'function', env = {} } = this.#options
    const { port } = this.#api.address() as AddressInfo
    const ric = `${tools}runtime/node_modules/aws-lambda-ric/index.mjs`
    // The function does not get this process's environment, because Lambda's does not contain it either.
    const child = spawn(`${tools}node`, [ric], {
      cwd: taskRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: '/usr/bin:/bin',
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        _HANDLER: 'index.handler',
        LAMBDA_TASK_ROOT: taskRoot,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
        AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        ...env,
      },
    })
    this.#child = child
    this.#shared.starts++
    const note = (chunk: Buffer) => {
      this.#shared.log += chunk.toString()
    }
    child.stdout?.on('data', note)
    child.stderr?.on('data', note)
    child.on('exit', (code, signal) => {
      this.dead = true
      this.#fail('Runtime.ExitError', `RequestId: exited with ${signal ?? code}`)
      this.#ready?.()
      this.#shared.wake()
      this.#api.closeAllConnections()
      this.#api.close()
    })
  }

  #fail(errorType: string, errorMessage: string): void {
    this.#finish({ errorType, errorMessage })
  }

  #finish(error?: FunctionError): void {
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    clearTimeout(current.timer)
    current.end(error)
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.replace('/2018-06-01/runtime/', '') ?? ''
    if (request.method === 'GET' && path === 'invocation/next') {
      this.#idle(response)
      return
    }
    if (path === 'init/error') {
      request.resume().on('end', () => response.writeHead(202).end())
      return
    }
    const [, id, kind] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? []
    if (id === undefined || id !== this.#current?.id) {
      request.resume().on('end', () => response.writeHead(400).end())
      return
    }
    if (kind === 'error') {
      this.#receiveError(request, response)
      return
    }
    this.#current.answered({
      streamed: request.headers['lambda-runtime-function-response-mode'] === 'streaming',
      contentType: request.headers['content-type'] ?? '',
      body: request,
    })
    // If the process dies, its upload breaks off, and `exit` reports it.
    request.on('error', () => undefined)
    request.on('end', () => {
      response.writeHead(202).end()
      this.#finish(errorOf(request.trailers))
    })
  }

  #receiveError(request: IncomingMessage, response: ServerResponse): void {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      response.writeHead(202).end()
      this.#finish(JSON.parse(text) as FunctionError)
    })
  }

  #idle(response: ServerResponse): void {
    this.#next = response
    if (this.#ready) {
      this.#ready()
      this.#ready = undefined
      return
    }
    if (this.#options.freeze ?? true) this.#child?.kill('SIGSTOP')
    this.busy = false
    this.#shared.wake()
  }
}

function errorOf(trailers: NodeJS.Dict<string>): FunctionError | undefined {
  const errorType = trailers['lambda-runtime-function-error-type']
  if (errorType === undefined) return undefined
  const body = trailers['lambda-runtime-function-error-body'] ?? ''
  return JSON.parse(Buffer.from(body, 'base64').toString()) as FunctionError
}
