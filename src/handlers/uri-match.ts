/** Matches a URI against a template, in time that grows with the URI's length times the template's parts. */
import type { TemplatePart, UriTemplate } from './uri-template.ts'

/** Characters. No template is matched against a longer URI. */
const MAX_URI_LENGTH = 8_192

/**
 * Returns the variables of a URI, percent-decoded, or undefined when it does not match.
 *
 * A URI with `..` as a segment of a path's variable, encoded or not, never matches: handlers make file
 * names of variables, and those must not leave their folder (C37). A value of `{name}` may still hold a
 * `/`, which a client sends as `%2F`.
 */
export function matchUri(
  { parts, queryNames }: UriTemplate,
  uri: string,
): Record<string, string> | undefined {
  if (uri.length > MAX_URI_LENGTH) return undefined
  const mark = queryNames.length > 0 ? uri.indexOf('?') : -1
  const path = mark < 0 ? uri : uri.slice(0, mark)
  const query = mark < 0 ? '' : uri.slice(mark + 1)
  const found = query.includes('#') ? undefined : align(parts, path)
  if (!found) return undefined
  const values: Record<string, string> = Object.create(null)
  try {
    for (const [name, text] of found) {
      const value = decodeURIComponent(text)
      if (value.split(/[\\/]/).includes('..')) return undefined
      values[name] = value
    }
  } catch {
    // A % that begins no encoding.
    return undefined
  }
  const given = new URLSearchParams(query)
  for (const name of queryNames) {
    const value = given.get(name)
    if (value !== null) values[name] = value
  }
  return values
}

/**
 * Finds the text of each variable. Rows are computed from the last part to the first, because a regular
 * expression with several variables would try all their lengths, and a client could keep the process
 * busy with one URI.
 */
function align(
  parts: readonly TemplatePart[],
  text: string,
): [name: string, piece: string][] | undefined {
  const [first] = parts
  if (typeof first === 'string' && !text.startsWith(first)) return undefined
  // Most texts lack some literal, which is found out quickly.
  let from = 0
  for (const part of parts) {
    if (typeof part !== 'string') continue
    const found = text.indexOf(part, from)
    if (found < 0) return undefined
    from = found + part.length
  }
  const end = text.length
  const nothing = new Uint8Array(end + 1)
  nothing[end] = 1
  // `fits[i][at]` is 1 where the parts from `i` on match the text from `at` on.
  const fits = [nothing]
  for (const part of parts.toReversed()) {
    const [next = nothing] = fits
    const row = new Uint8Array(end + 1)
    for (let at = end; at >= 0; at--) {
      const fit =
        typeof part === 'string'
          ? next[at + part.length] && text.startsWith(part, at)
          : at < end && !part.barred.includes(text.charAt(at)) && (row[at + 1] || next[at + 1])
      row[at] = fit ? 1 : 0
    }
    fits.unshift(row)
  }
  if (!fits[0]?.[0]) return undefined

  const pieces: [string, string][] = []
  let at = 0
  for (const [i, part] of parts.entries()) {
    if (typeof part === 'string') {
      at += part.length
      continue
    }
    const [row = nothing, next = nothing] = [fits[i], fits[i + 1]]
    let stop = at + 1
    // A segment takes as much as it can, as file names have dots; `{+name}` takes as little as it can.
    for (let candidate = stop; ; candidate++) {
      if (next[candidate]) stop = candidate
      if (!row[candidate] || (!part.barred && next[candidate])) break
    }
    pieces.push([part.name, text.slice(at, stop)])
    at = stop
  }
  return pieces
}
