/** Metrics and spans through OpenTelemetry's API, by its semantic conventions for MCP. */

import type { Attributes, Context, Link, Span } from '@opentelemetry/api'
import {
  context,
  metrics,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { CallOutcome, ObservedCall, Observer, ServerCounts } from '../src/index.ts'

const NAME = 'streamable-mcp'

/** Seconds: the bounds that the conventions ask for. */
const DURATION_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]

/**
 * Creates an observer that records each call as a span (kind SERVER) and in the histogram
 * `mcp.server.operation.duration`, both by the semantic conventions for MCP, and the counts that those
 * do not know as `streamable_mcp.*`. A span's parent is the trace context in the `_meta` of the request,
 * or else in its HTTP headers, and spans that a handler makes are its children. No argument, result,
 * token or session id is recorded.
 *
 * Without a registered SDK, OpenTelemetry's API does nothing. docs/operate.md lists the names.
 *
 * @example
 * const mcp = createMcp({ name: 'weather', version: '1.0.0', observer: openTelemetry() })
 */
export function openTelemetry(): Observer {
  const tracer = trace.getTracer(NAME)
  const meter = metrics.getMeter(NAME)
  const duration = meter.createHistogram('mcp.server.operation.duration', {
    description: 'Duration of a request, from its arrival to its result',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BUCKETS },
  })
  const requests = meter.createCounter('streamable_mcp.server.requests', {
    description: 'HTTP requests of the endpoint, by status',
    unit: '{request}',
  })

  return {
    start(counts) {
      observeCounts(counts)
    },

    async call(call, run) {
      const attributes = toAttributes(call)
      const { parent, links } = parentOf(call)
      const target = call.tool ?? call.prompt
      const span = tracer.startSpan(
        target === undefined ? call.method : `${call.method} ${target}`,
        {
          kind: SpanKind.SERVER,
          attributes: { ...attributes, 'jsonrpc.request.id': call.id },
          links,
        },
        parent,
      )
      if (call.session !== undefined) span.setAttribute('streamable_mcp.session.hash', call.session)
      const startedAt = performance.now()
      const outcome = await context.with(trace.setSpan(parent, span), run)
      const failure = toErrorAttributes(outcome)
      duration.record((performance.now() - startedAt) / 1000, { ...attributes, ...failure })
      endSpan(span, failure)
    },

    request({ status, era, verb }) {
      requests.add(1, {
        'http.request.method': verb,
        'http.response.status_code': status,
        ...(era && { 'streamable_mcp.era': era }),
      })
    },
  }

  /** Counts that are read when they are exported, so that a call does not pay for them. */
  function observeCounts({ openStreams, runningCalls, storeStats }: ServerCounts): void {
    const gauge = (name: string, description: string, unit: string, read: () => number) =>
      meter
        .createObservableUpDownCounter(name, { description, unit })
        .addCallback((result) => result.observe(read()))
    gauge('streamable_mcp.server.open_streams', 'Streams that listen', '{stream}', openStreams)
    gauge('streamable_mcp.server.running_calls', 'Calls that run', '{call}', runningCalls)
    const total = (name: string, description: string, unit: string, read: () => number) =>
      meter
        .createObservableCounter(name, { description, unit })
        .addCallback((result) => storeStats() && result.observe(read()))
    total(
      'streamable_mcp.store.operations',
      'Operations of the store',
      '{operation}',
      () => storeStats()?.operations ?? 0,
    )
    total(
      'streamable_mcp.store.throttles',
      'Attempts that the store refused as too many',
      '{attempt}',
      () => storeStats()?.throttles ?? 0,
    )
  }
}

function toAttributes({ method, tool, prompt, revision }: ObservedCall): Attributes {
  return {
    'mcp.method.name': method,
    ...(method === 'tools/call' && { 'gen_ai.operation.name': 'execute_tool' }),
    ...(tool !== undefined && { 'gen_ai.tool.name': tool }),
    ...(prompt !== undefined && { 'gen_ai.prompt.name': prompt }),
    ...(revision !== undefined && { 'mcp.protocol.version': revision }),
    'network.protocol.name': 'http',
    'network.transport': 'tcp',
  }
}

function toErrorAttributes({ error }: CallOutcome): Attributes {
  if (error === undefined) return {}
  const isCode = /^-\d+$/.test(error)
  return { 'error.type': error, ...(isCode && { 'rpc.response.status_code': error }) }
}

/** The span of a failed call has the status ERROR; the conventions want nothing for success. */
function endSpan(span: Span, failure: Attributes): void {
  if ('error.type' in failure) {
    span.setAttributes(failure)
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end()
}

/**
 * The context in `_meta` is the client's span, and so the parent; the span of the HTTP request, if an
 * instrumentation made one, becomes a link. Without `_meta`, the HTTP span or its headers are the parent.
 */
function parentOf({ trace: carrier, traceSource }: ObservedCall): {
  parent: Context
  links: Link[]
} {
  const ambient = trace.getSpanContext(context.active())
  if (traceSource === 'headers') {
    const parent = ambient ? context.active() : propagation.extract(ROOT_CONTEXT, carrier)
    return { parent, links: [] }
  }
  const parent = propagation.extract(context.active(), carrier)
  return { parent, links: ambient ? [{ context: ambient }] : [] }
}
