/** The type of a check of the doctor, and the form of its results. */

import type { Target } from './target.ts'

/** One problem: what was seen, why it happens, and what to do about it. */
export interface Finding {
  /** An `error` breaks some client today; a `warning` may break one later, or helps an attacker. */
  readonly level: 'error' | 'warning'
  readonly what: string
  readonly cause: string
  readonly fix: string
}

export type Verdict =
  | { readonly fine: string }
  /** The reason why the check does not apply or cannot be made from here. */
  | { readonly skipped: string }
  | { readonly findings: readonly Finding[] }

export interface Check {
  readonly id: string
  readonly title: string
  /** The check takes a minute, so it runs only with `--slow`. */
  readonly slow?: boolean
  /** Runs the check. It does not depend on other checks; the target keeps what several checks need. */
  run(target: Target): Promise<Verdict>
}

export function errorFinding(what: string, cause: string, fix: string): Finding {
  return { level: 'error', what, cause, fix }
}

export function warningFinding(what: string, cause: string, fix: string): Finding {
  return { level: 'warning', what, cause, fix }
}

/** Returns the findings, or a sentence when there are none. */
export function verdict(findings: readonly Finding[], fine: string): Verdict {
  return findings.length > 0 ? { findings } : { fine }
}
