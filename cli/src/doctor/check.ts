/** What a check of the doctor is, and how it says what it found. */

import type { Subject } from './subject.ts'

/** One thing that is wrong: what was seen, why that happens, and what to do about it. */
export interface Finding {
  /** A `fault` breaks some client; a `warning` will one day, or in a browser, or for an attacker. */
  readonly level: 'fault' | 'warning'
  readonly what: string
  readonly cause: string
  readonly cure: string
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
  /** Independent of every other check; what they share is asked once, by the subject. */
  run(subject: Subject): Promise<Verdict>
}

export function fault(what: string, cause: string, cure: string): Finding {
  return { level: 'fault', what, cause, cure }
}

export function warning(what: string, cause: string, cure: string): Finding {
  return { level: 'warning', what, cause, cure }
}

/** The findings, or a sentence when there are none. */
export function verdict(findings: readonly Finding[], fine: string): Verdict {
  return findings.length > 0 ? { findings } : { fine }
}
