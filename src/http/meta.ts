/** The members of `_meta` that the protocol itself reads (A.1). */
import type { RequestInfo } from '../handlers/context.ts'

export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  client: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

export function toProgressToken(value: unknown): string | number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined
}

export function readTrace(read: (name: string) => unknown): RequestInfo['trace'] {
  const trace: RequestInfo['trace'] = {}
  for (const name of ['traceparent', 'tracestate', 'baggage'] as const) {
    const value = read(name)
    if (typeof value === 'string') trace[name] = value
  }
  return trace
}
