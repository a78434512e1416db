/** The part of RFC 6570 that can be read backwards: which URIs a template stands for, and with what values. */

export interface UriTemplate {
  readonly names: readonly string[]
  /** The variables of a URI, percent-decoded, or undefined when it is not one of the template's. */
  match(uri: string): Record<string, string> | undefined
}

/** Literal text, or a variable and the characters that end it; none do where it may span segments. */
type Part = string | { readonly name: string; readonly barred: string }

const EXPRESSION = /\{([+/?]?)([A-Za-z_][\w.]*(?:,[A-Za-z_][\w.]*)*)\}/g

/** Characters: longer ones are nobody's, and not worth looking at. */
const LONGEST_URI = 8_192

/**
 * `{name}` is one path segment, `{/name}` a segment with its slash, `{+name}` may span segments,
 * `{?a,b}` are query parameters in any order, each optional. Anything else is refused here and now.
 *
 * No URI matches with `..` as a segment of a path's variable, encoded or not: handlers make file names
 * of variables, and those must not climb (C37). `{name}` may hold a `/` all the same, sent as `%2F`.
 */
export function parseUriTemplate(template: string): UriTemplate {
  const names: string[] = []
  const queryNames: string[] = []
  const parts: Part[] = []
  let end = 0
  for (const { 0: whole, 1: operator, 2: list = '', index } of template.matchAll(EXPRESSION)) {
    parts.push(template.slice(end, index))
    end = index + whole.length
    const variables = list.split(',')
    for (const [i, name] of variables.entries()) {
      if (names.includes(name))
        throw new TypeError(`URI template names {${name}} twice: ${template}`)
      names.push(name)
      if (operator === '?') queryNames.push(name)
      else {
        // several values of one expression stand with commas between them (RFC 6570, section 3.2.2)
        parts.push(operator === '/' ? '/' : i > 0 ? ',' : '')
        const segment = operator === '' && variables.length > 1 ? '/?#,' : '/?#'
        parts.push({ name, barred: operator === '+' ? '' : segment })
      }
    }
  }
  parts.push(template.slice(end))
  if (parts.some((part) => typeof part === 'string' && /[{}]/.test(part))) {
    throw new TypeError(
      `URI template is not of the supported forms {a}, {+a}, {/a}, {?a,b}: ${template}`,
    )
  }

  return {
    names,
    match(uri) {
      if (uri.length > LONGEST_URI) return undefined
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
        return undefined // a stray % is no encoding of anything
      }
      const given = new URLSearchParams(query)
      for (const name of queryNames) {
        const value = given.get(name)
        if (value !== null) values[name] = value
      }
      return values
    },
  }
}

/**
 * Which piece of the text each variable stands for. Worked out from the end, part by part, so that the
 * time is that of length times parts: a regular expression of several variables would try them all,
 * and a client could keep the process busy with one URI.
 */
function align(parts: readonly Part[], text: string): [name: string, piece: string][] | undefined {
  const [first] = parts
  if (typeof first === 'string' && !text.startsWith(first)) return undefined
  // most texts lack some literal: that is found out long before the rest
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
  // fits[i][at]: whether the parts from i on are the text from `at` on
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
    // a segment takes what it can get, as file names have dots; what spans takes no more than it must
    for (let look = stop; ; look++) {
      if (next[look]) stop = look
      if (!row[look] || (!part.barred && next[look])) break
    }
    pieces.push([part.name, text.slice(at, stop)])
    at = stop
  }
  return pieces
}
