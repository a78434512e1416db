/** Measures what a call costs each of several processes on one table. */
import { ADD, legacy } from './calls.ts'
import { Client, shakeHands } from './client.ts'
import type { Process } from './process.ts'
import { start } from './process.ts'

/** The number of calls to each process, once to warm up and once to measure. */
const CALLS = 2_000

/**
 * Opens a session at one process and uses it at all of them. Only the CPU time is comparable with other
 * machines, because here the processes share a core, and the table runs in the driver's process.
 */
export async function scaling(processes: number, env: Record<string, string>) {
  const servers: Process[] = []
  const clients: Client[] = []
  try {
    for (let i = 0; i < processes; i++) {
      const server = await start('ours-dynamodb', { env })
      servers.push(server)
      clients.push(new Client(server.port, 4))
    }
    const [first] = clients
    if (!first) throw new Error('No process')
    const call = legacy('tools/call', ADD, await shakeHands(first))
    const load = (each: number) =>
      Promise.all(clients.map((client) => client.repeat(call, (done) => done < each)))
    const used = async () => {
      const usages = await Promise.all(servers.map((server) => server.usage()))
      return usages.reduce((sum, { cpu }) => sum + cpu, 0)
    }
    await load(CALLS)
    const [before, begun] = [await used(), performance.now()]
    await load(CALLS)
    const seconds = (performance.now() - begun) / 1_000
    const calls = CALLS * processes
    return { processes, cpu: ((await used()) - before) / calls, perSecond: calls / seconds }
  } finally {
    for (const client of clients) await client.close()
    for (const server of servers) await server[Symbol.asyncDispose]()
  }
}
