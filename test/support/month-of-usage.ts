/** A month of an invocation log: three models and two users, with different figures on each day. */
import { day, now } from './bedrock-logs.ts'
import type { LogEvent } from './insights-query.ts'
import { invocation } from './invocation-log.ts'

const MODELS = [
  'us.anthropic.claude-3-5-haiku-20241022-v1:0',
  'amazon.nova-lite-v1:0',
  'amazon.titan-embed-text-v1',
]
const USERS = ['ada', 'grace'].map(
  (name) => `arn:aws:sts::123456789012:assumed-role/agents/${name}`,
)

export function monthOfUsage(): LogEvent[] {
  const events: LogEvent[] = []
  for (let past = 0; past < 30; past++) {
    // An hour after midnight of each day that lies within the period.
    const midnight = Math.floor((now - past * day) / day) * day
    MODELS.forEach((modelId, index) => {
      const user = USERS[(past + index) % 2] ?? ''
      const input = 1_000 + past * 97 + index * 13
      const output = index === 2 ? 0 : 200 + past * 11
      events.push(invocation({ time: midnight + 3_600_000 + index, modelId, user, input, output }))
    })
  }
  return events
}
