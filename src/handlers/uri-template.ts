/** URI templates (RFC 6570), as far as a URI can be matched against them; see `uri-match.ts`. */

/** A parsed template. */
export interface UriTemplate {
  /** All variables, in the order of the template. */
  readonly names: readonly string[]
  /** Those of `{?a,b}`. */
  readonly queryNames: readonly string[]
  /** The template without its query: literal text, then a variable, then text again. */
  readonly parts: readonly TemplatePart[]
}

/** Literal text, or a variable and the characters that end its value; none do in `{+name}`. */
export type TemplatePart = string | { readonly name: string; readonly barred: string }

const EXPRESSION = /\{([+/?]?)([A-Za-z_][\w.]*(?:,[A-Za-z_][\w.]*)*)\}/g

/**
 * Parses a template: `{name}` is one path segment, `{/name}` a segment with its slash, `{+name}` may span
 * segments, `{?a,b}` are query parameters in any order, each optional. Throws a `TypeError` for any other
 * form, and for a variable that stands twice.
 *
 * @example parseUriTemplate('file:///{+path}').names // ['path']
 */
export function parseUriTemplate(template: string): UriTemplate {
  const names: string[] = []
  const queryNames: string[] = []
  const parts: TemplatePart[] = []
  let end = 0
  for (const { 0: whole, 1: operator, 2: list = '', index } of template.matchAll(EXPRESSION)) {
    parts.push(template.slice(end, index))
    end = index + whole.length
    const variables = list.split(',')
    for (const [i, name] of variables.entries()) {
      if (names.includes(name)) {
        throw new TypeError(`URI template names {${name}} twice: ${template}`)
      }
      names.push(name)
      if (operator === '?') queryNames.push(name)
      else {
        // The values of one expression have commas between them (RFC 6570, section 3.2.2).
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
  return { names, queryNames, parts }
}
