/** Creates invocation logs as Bedrock writes them, always the same ones, with their correct sums. */
import type { LogEvent } from './insights-query.ts'

const models = [
  'amazon.nova-lite-v1:0',
  'us.anthropic.claude-3-5-sonnet-20241022-v2:0',
  'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0',
  'amazon.titan-embed-text-v1',
]
const users = [
  'arn:aws:iam::123456789012:user/ada',
  'arn:aws:sts::123456789012:assumed-role/agents/grace',
  'arn:aws:sts::123456789012:assumed-role/agents/alan',
]

export interface Invocation {
  time: number
  region?: string
  modelId?: string
  user?: string
  input?: number
  output?: number
  cacheRead?: number
  cacheWrite?: number
  /** Returns the fields of the conversation. Each message has several. */
  messages?: number
}

/** Returns a record with Bedrock's order of keys: the bodies come before the counts. */
export function invocation({ time, ...call }: Invocation): LogEvent {
  const record = {
    schemaType: 'ModelInvocationLog',
    schemaVersion: '1.0',
    timestamp: new Date(time).toISOString().replace(/\.\d+Z$/, 'Z'),
    accountId: '123456789012',
    identity: { arn: call.user },
    region: call.region ?? 'us-east-1',
    requestId: `request-${time}`,
    operation: 'Converse',
    modelId: call.modelId,
    input: {
      inputContentType: 'application/json',
      inputBodyJson: {
        messages: Array.from({ length: call.messages ?? 1 }, (_, index) => ({
          role: index % 2 ? 'assistant' : 'user',
          content: [{ text: '"inputTokenCount":77 is not a count, it is what a person wrote' }],
        })),
      },
      inputTokenCount: call.input,
      cacheReadInputTokenCount: call.cacheRead,
      cacheWriteInputTokenCount: call.cacheWrite,
    },
    output: { outputContentType: 'application/json', outputTokenCount: call.output },
  }
  return { timestamp: time, message: JSON.stringify(record) }
}

/** Returns invocation number `index` of many, evenly spread over a period that ends at `to`. */
export function nthInvocation(index: number, size: number, from: number, to: number): Invocation {
  const model = index % models.length
  return {
    time: from + Math.floor(((index + 0.5) * (to - from)) / size),
    modelId: models[model] ?? '',
    user: users[index % users.length] ?? '',
    input: 10 + (index % 400),
    output: model === 3 ? 0 : index % 50,
  }
}
