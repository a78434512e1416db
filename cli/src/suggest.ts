/** Finds the name that is most similar to the typed one, for "Did you mean". */

/** Returns the most similar name; undefined if no name is similar enough. */
export function nearest(typed: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const name of names) {
    const edits = distance(typed.toLowerCase(), name.toLowerCase(), least)
    if (edits < least) {
      least = edits
      best = name
    }
  }
  return best
}

/** Counts the letters to add, remove, change or swap; stops at `limit`. */
function distance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit
  let before: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current[column] = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? row) + 1 : limit,
      )
    }
    before = previous
    previous = current
  }
  return previous[to.length] ?? limit
}

/** Returns a sentence for the next step of an error, or undefined. */
export function didYouMean(typed: string, names: Iterable<string>): string | undefined {
  const name = nearest(typed, names)
  return name === undefined ? undefined : `Did you mean \`${name}\`?`
}
