/** Spans and metrics as OpenTelemetry's own SDK exports them. */
import { context, metrics, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { openTelemetry } from '../../adapters/opentelemetry.ts'
import { createMcp, failure, memoryStore } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT_ID = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`

const spans = new InMemorySpanExporter()
const points = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({
  exporter: points,
  exportIntervalMillis: 2 ** 30,
})
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
)
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
afterAll(() => reader.shutdown())
beforeEach(() => spans.reset())

const store = { ...memoryStore(), stats: { operations: 7, throttles: 2 } }
const mcp = createMcp({ name: 'observed', version: '1', store, observer: openTelemetry() })
mcp.tool('now', { description: 'Returns at once' }, () => 1)
mcp.tool('sorry', { description: 'Fails' }, () => failure('no'))
mcp.tool('deep', { description: 'Makes a span of its own' }, async () => {
  await Promise.resolve()
  trace.getTracer('author').startSpan('query the database').end()
  return 'done'
})
mcp.prompt('hello', { description: 'Greets' }, () => 'Hello')

const endpoint = fetchEndpoint(mcp)
const clients = async (headers = {}) => [
  await LegacyClient.open(endpoint, '2025-11-25', { headers }),
  new ModernClient(endpoint, { headers }),
]
/** The span of the last call, which ends before the response is sent. */
const lastSpan = () => spans.getFinishedSpans().at(-1)

describe('a span', () => {
  it('is made for each call, with the names of the conventions', async () => {
    for (const client of await clients()) {
      await (await client.call('now')).result()
      const span = lastSpan()
      expect(span).toMatchObject({ name: 'tools/call now', kind: 1, status: { code: 0 } })
      expect(span?.attributes).toMatchObject({
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'now',
        'mcp.protocol.version': client.revision,
        'jsonrpc.request.id': expect.any(String),
        'network.transport': 'tcp',
        'network.protocol.name': 'http',
      })
    }
  })

  it('of a tool that fails is an error of type tool_error', async () => {
    for (const client of await clients()) {
      await (await client.call('sorry')).result()
      expect(lastSpan()).toMatchObject({
        status: { code: 2 },
        attributes: { 'error.type': 'tool_error' },
      })
      expect(lastSpan()?.attributes).not.toHaveProperty('rpc.response.status_code')
    }
  })

  it('of a JSON-RPC error has its code, and no name that the client made up', async () => {
    for (const client of await clients()) {
      await (await client.call('made_up')).rest()
      expect(lastSpan()).toMatchObject({
        name: 'tools/call',
        status: { code: 2 },
        attributes: { 'error.type': '-32602', 'rpc.response.status_code': '-32602' },
      })
    }
  })

  it('of a prompt, and of initialize, is named after them', async () => {
    const [legacy] = await clients()
    expect(lastSpan()?.name).toBe('initialize')
    await (await legacy?.request('prompts/get', { name: 'hello' }))?.result()
    expect(lastSpan()).toMatchObject({
      name: 'prompts/get hello',
      attributes: { 'gen_ai.prompt.name': 'hello' },
    })
  })

  it('continues the trace of _meta, and links the HTTP span around it', async () => {
    for (const client of await clients()) {
      const http = trace.getTracer('http').startSpan('POST')
      await context.with(trace.setSpan(context.active(), http), () =>
        client.call('now', {}, { meta: { traceparent: TRACEPARENT } }),
      )
      const span = lastSpan()
      expect(span?.spanContext().traceId).toBe(TRACE_ID)
      expect(span?.parentSpanContext?.spanId).toBe(PARENT_ID)
      expect(span?.links.map((link) => link.context.spanId)).toEqual([http.spanContext().spanId])
    }
  })

  it('continues the trace of the HTTP headers, or of the span that an instrumentation made of them', async () => {
    for (const client of await clients({ traceparent: TRACEPARENT })) {
      await client.call('now')
      expect(lastSpan()?.spanContext().traceId).toBe(TRACE_ID)
      expect(lastSpan()?.parentSpanContext?.spanId).toBe(PARENT_ID)
      const http = trace.getTracer('http').startSpan('POST')
      await context.with(trace.setSpan(context.active(), http), () => client.call('now'))
      expect(lastSpan()?.parentSpanContext?.spanId).toBe(http.spanContext().spanId)
    }
  })

  it('is the parent of the spans that a handler makes', async () => {
    for (const client of await clients()) {
      await (await client.call('deep')).result()
      const [inner, outer] = spans.getFinishedSpans().slice(-2)
      expect(inner?.name).toBe('query the database')
      expect(outer?.name).toBe('tools/call deep')
      expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId)
    }
  })

  it('has no argument, result or session id', async () => {
    const [legacy] = await clients()
    await (await legacy?.call('now', { word: 'a-secret-argument' }))?.result()
    const text = JSON.stringify(spans.getFinishedSpans().map(({ attributes }) => attributes))
    expect(text).not.toContain('a-secret-argument')
    expect(text).not.toContain((legacy as LegacyClient).sessionId)
  })
})

describe('a metric', () => {
  const collect = async () => {
    points.reset()
    await reader.forceFlush()
    const all = points.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
    return all.flatMap((scope) => scope.metrics)
  }

  it('of the conventions has the duration of each call in seconds', async () => {
    for (const client of await clients()) await (await client.call('sorry')).result()
    const found = (await collect()).find(
      ({ descriptor }) => descriptor.name === 'mcp.server.operation.duration',
    )
    expect(found?.descriptor).toMatchObject({ unit: 's', type: 'HISTOGRAM' })
    const failed = found?.dataPoints.filter(
      ({ attributes }) => attributes['error.type'] === 'tool_error',
    )
    expect(failed?.map(({ attributes }) => attributes)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ 'gen_ai.tool.name': 'sorry', 'mcp.method.name': 'tools/call' }),
      ]),
    )
    const [first] = found?.dataPoints ?? []
    expect(first?.value).toMatchObject({
      buckets: { boundaries: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] },
    })
    // An id as an attribute would make a time series of each call.
    for (const { attributes } of found?.dataPoints ?? []) {
      expect(attributes).not.toHaveProperty('jsonrpc.request.id')
    }
  })

  it('of our own counts requests by status, streams, and the operations of the store', async () => {
    await new ModernClient(endpoint).call('now')
    const values = Object.fromEntries(
      (await collect()).map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ value, attributes }) => ({ value, ...attributes })),
      ]),
    )
    expect(values).toMatchObject({
      'streamable_mcp.server.open_streams': [{ value: 0 }],
      'streamable_mcp.server.running_calls': [{ value: 0 }],
      'streamable_mcp.store.operations': [{ value: 7 }],
      'streamable_mcp.store.throttles': [{ value: 2 }],
    })
    expect(values['streamable_mcp.server.requests']).toContainEqual(
      expect.objectContaining({
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'streamable_mcp.era': 'modern',
      }),
    )
  })
})
