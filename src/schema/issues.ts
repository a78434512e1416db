/** What is wrong with a value, as a short list of sentences. */

/** Enough to correct a call by. A million wrong elements are a body of 4 MB, but their messages 100 MB. */
const MAX_ISSUES = 20

/** Writes the first issues, and how many more there are. */
export function listIssues<T>(issues: readonly T[], write: (issue: T) => string): string[] {
  const more = issues.length - MAX_ISSUES
  const written = issues.slice(0, MAX_ISSUES).map(write)
  return more > 0 ? [...written, `and ${more} more`] : written
}

/** What a caller reads when the check of a value would take too many steps. */
export const TOO_MUCH =
  'too much to check: its alternatives nest too deeply in each other, or it has too many parts'
