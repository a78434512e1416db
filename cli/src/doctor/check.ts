/** What a check of the doctor is, and how it says what it found. */

import type { Target } from './target.ts'

/** One thing that is wrong: what was seen, why that happens, and what to do about it. */
export interface Finding {
  /** An `error` breaks some client today; a `warning` may break one later, or helps an attacker. */
  readonly level: 'error' | 'warning'
  readonly what: string
  readonly cause: string
  readonly fix: string
}

export type Verdict =
  | { readonly fine: string }
  /** Not applicable, or not to be seen from here; the reason. */
  | { readonly skipped: string }
  | { readonly findings: readonly Finding[] }

export interface Check {
  readonly id: string
  readonly title: string
  /** Runs only when asked for: it takes a minute. */
  readonly slow?: boolean
  /** Independent of every other check; what they share is asked once, by the target. */
  run(target: Target): Promise<Verdict>
}

export function errorFinding(what: string, cause: string, fix: string): Finding {
  return { level: 'error', what, cause, fix }
}

export function warningFinding(what: string, cause: string, fix: string): Finding {
  return { level: 'warning', what, cause, fix }
}

/** The findings, or a sentence when there are none. */
export function verdict(findings: readonly Finding[], fine: string): Verdict {
  return findings.length > 0 ? { findings } : { fine }
}
