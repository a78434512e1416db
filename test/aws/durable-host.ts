/**
 * Lambda with durable functions on this machine: AWS's own emulator of the engine, the requests that reach
 * it, and one process for each invocation, with Lambda's runtime client.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { account } from './cloudformation.ts'
import { lambdaHost, tools } from './lambda-host.ts'

const region = account['AWS::Region']
const number = account['AWS::AccountId']

export const TASK_FUNCTION = `arn:aws:lambda:${region}:${number}:function:weather-TaskFunction:live`

/** One invocation of the durable function. */
export interface TaskInvocation {
  readonly execution: string
  readonly ms: number
  readonly failed: boolean
}

export interface DurableHost {
  /** Where clients of Lambda send their requests. */
  readonly url: string
  /** The executions that were started, by their name. */
  readonly executions: ReadonlyMap<string, string>
  /** How often a name was asked to be started. */
  readonly starts: ReadonlyMap<string, number>
  readonly invocations: readonly TaskInvocation[]
  /** The processes that run now. */
  readonly pids: readonly number[]
  /** The environment of the function, which is known later than this host. */
  env: Record<string, string>
  /** How many of the next invocations of an execution die at their start. */
  readonly doomed: Map<string, number>
  /** What the emulator has recorded of an execution. */
  history(name: string): Promise<readonly HistoryEvent[]>
  close(): Promise<void>
}

export interface HistoryEvent {
  readonly EventType: string
  readonly Name?: string
  /** Seconds since 1970. */
  readonly EventTimestamp: number
}

/** The ARN of an execution as Lambda writes it. The emulator writes two ids with a slash between them. */
const toArn = (name: string, emulated: string) =>
  `${TASK_FUNCTION.replace(/live$/, '1')}/durable-execution/${name}/${emulated.split('/').at(-1)}`

const nameOf = (arn: string) => arn.split('/').at(-2) ?? ''

/** `taskRoot` is the folder of the bundle. */
export async function durableHost(taskRoot: string): Promise<DurableHost> {
  const port = await freePort()
  const emulator = `http://127.0.0.1:${port}`
  const executions = new Map<string, string>()
  const starts = new Map<string, number>()
  const doomed = new Map<string, number>()
  const invocations: TaskInvocation[] = []
  const running = new Set<() => number | undefined>()

  const host = {
    url: '',
    executions,
    starts,
    invocations,
    doomed,
    env: {} as Record<string, string>,
    get pids() {
      return [...running].flatMap((pid) => pid() ?? [])
    },
    async history(name: string): Promise<readonly HistoryEvent[]> {
      const arn = encodeURIComponent(executions.get(name) ?? '')
      const answer = await fetch(
        `${emulator}/2025-12-01/durable-executions/${arn}/history?MaxItems=1000`,
      )
      return ((await answer.json()) as { Events: HistoryEvent[] }).Events
    },
    async close() {
      server.closeAllConnections()
      server.close()
      child.kill('SIGKILL')
      for (const pid of host.pids) process.kill(pid, 'SIGKILL')
    },
  }

  /** Starts an execution once for each name, as Lambda does. The emulator itself would start another one. */
  async function start(name: string, input: string): Promise<void> {
    starts.set(name, (starts.get(name) ?? 0) + 1)
    if (executions.has(name)) return
    executions.set(name, '')
    const answer = await fetch(`${emulator}/start-durable-execution`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        AccountId: number,
        FunctionName: 'weather-TaskFunction',
        FunctionQualifier: '1',
        ExecutionName: name,
        ExecutionTimeoutSeconds: 900,
        ExecutionRetentionPeriodDays: 1,
        Input: input,
      }),
    })
    const { ExecutionArn } = (await answer.json()) as { ExecutionArn: string }
    executions.set(name, ExecutionArn)
  }

  /** The emulator may invoke the function before it has answered the start. */
  async function nameOfEmulated(emulated: string): Promise<string> {
    for (;;) {
      for (const [name, arn] of executions) if (arn === emulated) return name
      await sleep(10)
    }
  }

  /** The path of a request as the emulator knows it. */
  function toEmulated(url: string): string {
    return url.replace(/(durable-executions\/)([^/?]+)/, (_, before: string, part: string) => {
      const arn = executions.get(nameOf(decodeURIComponent(part)))
      return `${before}${arn ? encodeURIComponent(arn) : part}`
    })
  }

  /** Runs an invocation in a process of its own. */
  async function invoke(event: { DurableExecutionArn: string }) {
    const emulated = event.DurableExecutionArn
    const name = await nameOfEmulated(emulated)
    const began = performance.now()
    const left = doomed.get(name) ?? 0
    if (left > 0) {
      doomed.set(name, left - 1)
      invocations.push({ execution: name, ms: 0, failed: true })
      return { errorType: 'Runtime.ExitError', errorMessage: 'The process died at its start' }
    }
    const sandbox = lambdaHost({
      taskRoot,
      name: 'weather-TaskFunction',
      timeoutSeconds: 30,
      freeze: false,
      env: { ...host.env, AWS_ENDPOINT_URL_LAMBDA: host.url },
    })
    const pid = () => sandbox.pids[0]
    running.add(pid)
    try {
      const DurableExecutionArn = toArn(name, emulated)
      const invocation = await sandbox.invoke({ ...event, DurableExecutionArn })
      const parts: Buffer[] = []
      for await (const part of invocation.body) parts.push(part)
      const error = await invocation.ended
      const failed = error !== undefined
      invocations.push({ execution: name, ms: performance.now() - began, failed })
      return failed ? error : Buffer.concat(parts)
    } catch {
      invocations.push({ execution: name, ms: performance.now() - began, failed: true })
      return { errorType: 'Runtime.ExitError', errorMessage: 'The process was killed at its start' }
    } finally {
      running.delete(pid)
      if (process.env.SHOW && sandbox.log) console.error(sandbox.log)
      await sandbox.close()
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const { method = 'GET', url = '' } = request
    if (!url.startsWith('/2015-03-31/functions/')) {
      const answer = await fetch(`${emulator}${toEmulated(url)}`, {
        method,
        headers: { 'content-type': `${request.headers['content-type'] ?? 'application/json'}` },
        ...(method === 'POST' && { body }),
      })
      response.writeHead(answer.status, {
        'content-type': 'application/json',
        'x-amzn-errortype': answer.headers.get('x-amzn-errortype') ?? '',
      })
      response.end(Buffer.from(await answer.arrayBuffer()))
    } else if (request.headers['x-amz-invocation-type'] === 'Event') {
      const target = decodeURIComponent(url.split('/')[3] ?? '')
      if (target !== TASK_FUNCTION) throw new Error(`there is no function ${target}`)
      await start(`${request.headers['x-amz-durable-execution-name']}`, body.toString())
      response.writeHead(202).end()
    } else {
      const result = await invoke(JSON.parse(body.toString()))
      const isError = !Buffer.isBuffer(result)
      response.writeHead(200, {
        'content-type': 'application/json',
        ...(isError && { 'x-amz-function-error': 'Unhandled' }),
      })
      response.end(isError ? JSON.stringify(result) : result)
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error(error)
      response.writeHead(500).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  host.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const child = spawn(
    `${tools}durable/bin/dex-local-runner`,
    [
      'start-server',
      ...['--host', '127.0.0.1', '--port', `${port}`, '--log-level', 'ERROR'],
      ...['--lambda-endpoint', host.url, '--local-runner-endpoint', emulator],
      ...['--local-runner-region', region, '--execution-timeout', '900'],
      ...['--invocation-timeout', '60'],
    ],
    {
      stdio: ['ignore', 'inherit', process.env.SHOW ? 'inherit' : 'ignore'],
      env: {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_DEFAULT_REGION: region,
      },
    },
  )
  for (let attempt = 0; ; attempt++) {
    try {
      await fetch(`${emulator}/health`)
      break
    } catch (error) {
      if (attempt > 200 || child.exitCode !== null) throw error
      await sleep(100)
    }
  }
  void once(child, 'exit')
  return host
}
