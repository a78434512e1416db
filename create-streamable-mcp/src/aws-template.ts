/** The template for AWS: the text of the repository's own, without what only its reference server has. */

const BEGIN = /^\s*# begin: reference server only$/
const END = /^\s*# end: reference server only$/

/**
 * Leaves out every line between the marks, and the marks.
 *
 * @throws {Error} for marks that do not come in pairs
 */
export function toStarterTemplate(template: string): string {
  const kept: string[] = []
  let inside = false
  for (const line of template.split('\n')) {
    if (BEGIN.test(line) || END.test(line)) {
      if (BEGIN.test(line) === inside) throw new Error(`The marks do not come in pairs: ${line}`)
      inside = !inside
    } else if (!inside) kept.push(line)
  }
  if (inside) throw new Error('The last mark is not closed')
  return kept.join('\n')
}
