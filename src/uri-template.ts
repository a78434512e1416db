/** The part of RFC 6570 that can be read backwards: which URIs a template stands for, and with what values. */

export interface UriTemplate {
  readonly names: readonly string[]
  /** The variables of a URI, percent-decoded, or undefined when it is not one of the template's. */
  match(uri: string): Record<string, string> | undefined
}

const EXPRESSION = /\{([+/?]?)([A-Za-z_][\w.]*(?:,[A-Za-z_][\w.]*)*)\}/g

/**
 * `{name}` is one path segment, `{/name}` a segment with its slash, `{+name}` may span segments,
 * `{?a,b}` are query parameters in any order, each optional. Anything else is refused here and now.
 */
export function parseUriTemplate(template: string): UriTemplate {
  const names: string[] = []
  const queryNames: string[] = []
  let pattern = ''
  let end = 0
  for (const { 0: whole, 1: operator, 2: list = '', index } of template.matchAll(EXPRESSION)) {
    pattern += literal(template.slice(end, index))
    end = index + whole.length
    const variables = list.split(',')
    for (const name of variables) {
      if (names.includes(name))
        throw new TypeError(`URI template names {${name}} twice: ${template}`)
      names.push(name)
    }
    if (operator === '?') queryNames.push(...variables)
    else if (operator === '/') pattern += '/([^/?#]+)'.repeat(variables.length)
    else {
      // several values of one expression stand with commas between them (RFC 6570, section 3.2.2)
      const value = operator === '+' ? '(.+?)' : variables.length > 1 ? '([^/?#,]+)' : '([^/?#]+)'
      pattern += variables.map(() => value).join(',')
    }
  }
  if (/[{}]/.test(template.slice(end)) || /\\[{}]/.test(pattern)) {
    throw new TypeError(
      `URI template is not of the supported forms {a}, {+a}, {/a}, {?a,b}: ${template}`,
    )
  }
  const whole = new RegExp(
    `^${pattern}${literal(template.slice(end))}${queryNames.length > 0 ? '(?:\\?([^#]*))?' : ''}$`,
  )
  const pathNames = names.filter((name) => !queryNames.includes(name))

  return {
    names,
    match(uri) {
      const found = whole.exec(uri)
      if (!found) return undefined
      const values: Record<string, string> = Object.create(null)
      try {
        pathNames.forEach((name, i) => {
          values[name] = decodeURIComponent(found[i + 1] ?? '')
        })
      } catch {
        return undefined // a stray % is no encoding of anything
      }
      const query = new URLSearchParams(found[pathNames.length + 1] ?? '')
      for (const name of queryNames) {
        const value = query.get(name)
        if (value !== null) values[name] = value
      }
      return values
    },
  }
}

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
