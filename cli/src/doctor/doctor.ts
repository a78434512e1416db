/** Examines a server: runs every check separately, and shows the results on one screen. */

import { toProblem } from '../errors.ts'
import type { Output, View } from '../output.ts'
import type { ExitCode } from '../problem.ts'
import { causes, exitCodes, Problem } from '../problem.ts'
import type { Text } from '../text.ts'
import { joined, text } from '../text.ts'
import { AUTHORIZATION_CHECKS } from './authorization-checks.ts'
import { BROWSER_CHECKS } from './browser-checks.ts'
import type { Check, Finding, Verdict } from './check.ts'
import { errorFinding } from './check.ts'
import { NETWORK_CHECKS } from './network-checks.ts'
import { SESSION_CHECKS } from './session-checks.ts'
import type { TargetOptions } from './target.ts'
import { Target } from './target.ts'
import { tokenCheck } from './token-check.ts'

export const CHECKS: readonly Check[] = [
  ...NETWORK_CHECKS,
  ...AUTHORIZATION_CHECKS,
  tokenCheck,
  ...SESSION_CHECKS,
  ...BROWSER_CHECKS,
]

export interface Examined {
  readonly check: Pick<Check, 'id' | 'title'>
  readonly verdict: Verdict
}

export interface DoctorOptions extends TargetOptions {
  /** Also run the checks that take a minute. */
  readonly slow: boolean
  readonly output: Output
  readonly view: View
}

/** Resolves with the exit code: `failed` if there is an error, `ok` if there are only warnings. */
export async function runDoctor(options: DoctorOptions): Promise<ExitCode> {
  const { output, url, view } = options
  const asText = view.format === 'text' && view.filter === undefined
  if (asText) output.print(output.style('bold', text`Examining ${url}`))
  const results: Examined[] = []
  let reason: string | undefined
  for await (const result of examine(options)) {
    results.push(result)
    const skipped = 'skipped' in result.verdict ? result.verdict.skipped : undefined
    // A reason stands once, although it may rule out many checks in a row.
    if (asText && (skipped === undefined || skipped !== reason)) {
      output.print(verdictText(result, output))
    }
    reason = skipped
  }
  const findings = results.flatMap(findingsOf)
  const errors = findings.filter(({ level }) => level === 'error')
  const warnings = findings.length - errors.length
  const checks = results.map(({ check: { id, title }, verdict }) => ({ id, title, ...verdict }))
  output.result(
    { url, ok: errors.length === 0, checks },
    () =>
      findings.length === 0
        ? text`Nothing found.`
        : text`${count(errors.length, 'error')}, ${count(warnings, 'warning')}.`,
    view,
  )
  if (unreachable(results)) return exitCodes.unreachable
  return errors.length > 0 ? exitCodes.failed : exitCodes.ok
}

/** Runs one check after the other, and stops if the server cannot be reached. */
export async function* examine(
  options: TargetOptions & { readonly slow: boolean },
): AsyncGenerator<Examined> {
  const target = new Target(options)
  try {
    for (const check of CHECKS) {
      if (check.slow && !options.slow) continue
      const verdict = await check.run(target).catch((error) => failed(error, options.url))
      if (options.signal.aborted) throw new Problem('Cancelled.', { exit: exitCodes.interrupted })
      yield { check, verdict }
      if (check.id === 'reachable' && 'findings' in verdict) return
    }
  } finally {
    await target.close()
  }
}

/** Turns an exception of a check into a finding, because otherwise the server would look healthy. */
function failed(error: unknown, url: string): Verdict {
  const timedOut = causes(error).some((cause) => (cause as Error).name === 'AbortError')
  const { message, next } = toProblem(error, url)
  const finding = timedOut
    ? errorFinding(
        'The server did not answer this in time.',
        'It hangs on a request that it should refuse or answer at once.',
        'Look at its log for this request; --debug shows it.',
      )
    : errorFinding(message, 'The exchange broke off.', next ?? 'Look at the log of the server.')
  return { findings: [finding] }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function findingsOf({ verdict }: Examined): readonly Finding[] {
  return 'findings' in verdict ? verdict.findings : []
}

function unreachable(results: readonly Examined[]): boolean {
  return results.some((result) => result.check.id === 'reachable' && findingsOf(result).length > 0)
}

/** The columns of a title, with the gap after it. */
const TITLE_WIDTH = 27

function verdictText({ check, verdict }: Examined, output: Output): Text {
  const title = check.title.padEnd(TITLE_WIDTH)
  if ('fine' in verdict) return text`${output.style('green', '✓')} ${title}${verdict.fine}`
  if ('skipped' in verdict) return output.style('dim', text`– ${title}${verdict.skipped}`)
  return joined(
    verdict.findings.map(({ level, what, cause, fix }) => {
      const mark = level === 'error' ? output.style('red', '✗') : output.style('yellow', '!')
      return joined([
        output.wrap(text`${mark} ${title}${what}`, ' '.repeat(2 + TITLE_WIDTH)),
        output.wrap(text`  cause: ${cause}`, ' '.repeat(9)),
        output.wrap(text`  fix:   ${fix}`, ' '.repeat(9)),
      ])
    }),
  )
}
