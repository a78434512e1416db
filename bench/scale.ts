/**
 * `npm run bench:scale`: what 100 to 10,000 instances, 10,000 open questions and a million sessions ask of
 * a store. Ten and forty instances run, with a virtual clock, and the rest is a straight line through both:
 * what instances cost does not depend on how many others there are, and what a change costs is constant.
 */
import type { Engine, Found, Rate, Scenario } from './simulation.ts'
import { simulate } from './simulation.ts'

/** DynamoDB on demand in us-east-1, in dollars for a million units, and what one partition bears a second. */
const READ_PRICE = 0.125
const WRITE_PRICE = 0.625
const READ_LIMIT = 3_000
const WRITE_LIMIT = 1_000
const SECONDS_A_MONTH = 30.4 * 24 * 3_600

const QUESTIONS = 10_000
const SESSIONS = 1_000_000
const SECONDS_BETWEEN_CALLS = 600

export interface Row {
  readonly engine: Engine
  readonly copies: number
  readonly instances: number
  /** Units a second at the busiest item of those that instances share. */
  readonly busiest: Rate
  readonly listening: Rate
  readonly questions: Rate
  readonly calls: Rate
}

const times = ({ operations, readUnits, writeUnits }: Rate, factor: number): Rate => ({
  operations: operations * factor,
  readUnits: readUnits * factor,
  writeUnits: writeUnits * factor,
})

const plus = (one: Rate, other: Rate): Rate => ({
  operations: one.operations + other.operations,
  readUnits: one.readUnits + other.readUnits,
  writeUnits: one.writeUnits + other.writeUnits,
})

/** Simulates few and more instances, and returns what any number of them costs. */
export async function measure(
  engine: Engine,
  copies: number,
  { few, more, seconds }: { few: number; more: number; seconds: number },
): Promise<(instances: number) => Row> {
  const scenario = { engine, copies, changeEvery: 10, uriLength: 100, seconds }
  const run = (instances: number, questions: number): Promise<Found> =>
    simulate({ ...scenario, instances, questions } satisfies Scenario)
  const [small, large] = [await run(few, 2), await run(more, 2)]
  const line = (one: Rate, other: Rate, instances: number): Rate => {
    const each = times(plus(other, times(one, -1)), 1 / (more - few))
    return plus(one, times(each, instances - few))
  }
  return (instances) => {
    const record = line(small.record, large.record, instances)
    // A copy has a part of the instances, and at each change one write.
    const copy = line(small.copy, large.copy, instances)
    const shared = plus(record, times(copy, copies > 1 ? copies : 0))
    return {
      engine,
      copies,
      instances,
      busiest: copy.readUnits > record.readUnits ? copy : record,
      listening: plus(shared, line(small.listeners, large.listeners, instances)),
      questions: times(large.questions, QUESTIONS / (2 * more)),
      calls: times(large.call, SESSIONS / SECONDS_BETWEEN_CALLS),
    }
  }
}

/** Whether DynamoDB bears it on one partition. */
export const isWithinLimits = ({ readUnits, writeUnits }: Rate): boolean =>
  readUnits / READ_LIMIT + writeUnits / WRITE_LIMIT < 1

export const dollars = ({ readUnits, writeUnits }: Rate): number =>
  ((readUnits * READ_PRICE + writeUnits * WRITE_PRICE) / 1e6) * SECONDS_A_MONTH

const whole = (value: number) => Math.round(value).toLocaleString('en-US')

/** A line of the table: units and dollars for DynamoDB, operations for the others. */
export function toLine({ engine, copies, instances, busiest, ...parts }: Row): string {
  const { listening, questions, calls } = parts
  const polled = engine === 'polled'
  const cell = (rate: Rate) =>
    polled ? `${whole(rate.operations)}/s, $${whole(dollars(rate))}` : `${whole(rate.operations)}/s`
  const name = polled
    ? `DynamoDB, ${copies > 1 ? `${copies} copies` : 'no copies'}`
    : 'Redis, PostgreSQL'
  const most = polled
    ? `${whole(busiest.readUnits)} read, ${busiest.writeUnits.toFixed(1)} write units/s`
    : `${whole(busiest.operations)} operations/s`
  const cells = [name, whole(instances), most, cell(listening), cell(questions), cell(calls)]
  return `| ${cells.join(' | ')} |`
}

if (process.argv[1]?.endsWith('scale.ts')) {
  const size = { few: 10, more: 40, seconds: 120 }
  const head = ['engine', 'instances', 'busiest shared item', 'listening']
  const more = ['10,000 open questions', '1 M sessions, a call each 10 minutes']
  process.stdout.write(`| ${[...head, ...more].join(' | ')} |\n|${' --- |'.repeat(6)}\n`)
  for (const [engine, copies] of [
    ['polled', 1],
    ['polled', 8],
    ['waking', 1],
  ] as const) {
    const rowOf = await measure(engine, copies, size)
    for (const instances of [100, 1_000, 10_000]) {
      const row = rowOf(instances)
      process.stdout.write(`${toLine(row)}\n`)
      if (engine === 'polled' && !isWithinLimits(row.busiest)) process.exitCode = 1
    }
  }
  process.exit()
}
