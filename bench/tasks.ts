/**
 * `npm run bench:tasks`: what durable calls cost. Tasks of three steps on one process, one after another
 * and at once: with the memory store, and with a stand-in for DynamoDB in another process.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { dynamoStore } from '../adapters/dynamodb/dynamo-store.ts'
import type { Store } from '../src/index.ts'
import { createMcp, memoryStore } from '../src/index.ts'
import { TaskClient } from '../test/support/tasks.ts'

interface Measured {
  readonly operations: number
  /** Milliseconds from the call to the end of the task. */
  readonly time: number
  /** Microseconds of CPU of the server and its client. */
  readonly cpu: number
}

export interface TaskRow {
  readonly store: string
  /** One task after another: the median of the tasks. */
  readonly one: Measured
  /** Many tasks at once: the time until the last one has ended, and the rest for each task. */
  readonly many: Measured & { readonly tasks: number; readonly heap: number }
}

/** The store, and the number of its operations. */
function counted(store: Store): { store: Store; count: () => number } {
  let operations = 0
  const proxy = new Proxy(store, {
    get(target, name: keyof Store) {
      const member: unknown = target[name]
      if (typeof member !== 'function' || name === 'wait') return member
      return (...args: unknown[]) => {
        operations += 1
        return Reflect.apply(member, target, args)
      }
    },
  })
  return { store: proxy, count: () => operations }
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function measure(
  name: string,
  engine: Store,
  { tasks, atOnce }: { tasks: number; atOnce: number },
): Promise<TaskRow> {
  const { store, count } = counted(engine)
  const mcp = createMcp({ name: 'bench', version: '1.0.0', store })
  let ended = () => {}
  mcp.tool('work', { description: 'Three steps', task: {} }, async (_, ctx) => {
    for (const step of ['one', 'two', 'three']) await ctx.step(step, () => step)
    ended()
    return 'done'
  })
  const client = new TaskClient(mcp)
  const run = async () => {
    const id = await client.create('work')
    while ((await client.get(id)).status !== 'completed') await new Promise(setImmediate)
  }
  // Compiles the code.
  for (let n = 0; n < tasks / 2; n++) await run()
  const times: number[] = []
  const costs: number[] = []
  const operations: number[] = []
  for (let n = 0; n < tasks; n++) {
    let last = 0
    const done = new Promise<void>((resolve) => {
      ended = resolve
    })
    const [before, cpu, at] = [count(), process.cpuUsage(), performance.now()]
    const id = await client.create('work')
    await done
    // The record is written after the handler has ended: until the count stands still.
    while (last !== count()) {
      last = count()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    operations.push(last - before)
    times.push(performance.now() - at)
    const { user, system } = process.cpuUsage(cpu)
    costs.push(user + system)
    if ((await client.get(id)).status !== 'completed') throw new Error('A task has not ended')
  }
  globalThis.gc?.()
  const heapBefore = process.memoryUsage().heapUsed
  let heap = 0
  const watching = setInterval(() => {
    heap = Math.max(heap, process.memoryUsage().heapUsed - heapBefore)
  }, 5)
  const [before, cpu, at] = [count(), process.cpuUsage(), performance.now()]
  let left = atOnce
  const all = new Promise<void>((resolve) => {
    ended = () => {
      left -= 1
      if (left === 0) resolve()
    }
  })
  const ids = await Promise.all(Array.from({ length: atOnce }, () => client.create('work')))
  await all
  const unfinished = async () => {
    const states = await Promise.all(ids.map(async (id) => (await client.get(id)).status))
    return states.some((status) => status !== 'completed')
  }
  const time = performance.now() - at
  const { user, system } = process.cpuUsage(cpu)
  const spent = count() - before
  clearInterval(watching)
  while (await unfinished()) await new Promise((resolve) => setTimeout(resolve, 20))
  await mcp.close({ grace: 0 })
  return {
    store: name,
    one: { operations: median(operations), time: median(times), cpu: median(costs) },
    many: {
      tasks: atOnce,
      operations: spent / atOnce,
      time,
      cpu: (user + system) / atOnce,
      heap: heap / atOnce,
    },
  }
}

/** Starts a stand-in for DynamoDB in a process of its own, so that its CPU is not counted. */
async function startTable(): Promise<{ store: Store; close: () => void }> {
  const entry = fileURLToPath(new URL('../test/support/run-dynalite.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', entry], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  while (!text.includes('MCP_TABLE=')) text += String((await once(child.stdout, 'data'))[0])
  for (const [, name = '', value = ''] of text.matchAll(/^export (\w+)=(.*)$/gm)) {
    process.env[name] = value
  }
  const { MCP_TABLE: table = '', AWS_ENDPOINT_URL_DYNAMODB: endpoint = '' } = process.env
  return {
    store: dynamoStore({ table, region: 'local', endpoint }),
    close: () => void child.kill(),
  }
}

const whole = (value: number) => Math.round(value).toLocaleString('en-US')

/** The rows as a Markdown table. */
function toMarkdown(rows: readonly TaskRow[]): string {
  const heads = [
    ...['store', 'store operations', 'ms', 'µs of CPU'],
    ...['at once', 'store operations each', 'ms for all', 'µs of CPU each', 'KB of heap each'],
  ]
  const lines = rows.map(({ store, one, many }) => [
    ...[store, `${one.operations}`, one.time.toFixed(1), whole(one.cpu)],
    ...[whole(many.tasks), many.operations.toFixed(1), whole(many.time), whole(many.cpu)],
    (many.heap / 1_024).toFixed(1),
  ])
  const table = [heads, heads.map((_, i) => (i === 0 ? '---' : '---:')), ...lines]
  return table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const rows = [await measure('memory', memoryStore(), { tasks: 200, atOnce: 1_000 })]
const table = await startTable()
rows.push(await measure('DynamoDB (dynalite)', table.store, { tasks: 50, atOnce: 25 }))
table.close()
process.stdout.write(`${toMarkdown(rows)}\n`)
process.exit()
