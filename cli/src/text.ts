/** Text that is safe to print. Only this file passes text of others to the terminal. */

/** Only this module creates a `Text`, so that all text is checked before it is printed. */
let create: (value: string) => Text

/** Text without control characters, except the color sequences of this program. */
export class Text {
  readonly #value: string

  private constructor(value: string) {
    this.#value = value
  }

  static {
    create = (value) => new Text(value)
  }

  toString(): string {
    return this.#value
  }

  /** The width of the longest line, in columns of the terminal. */
  get width(): number {
    return Math.max(...this.#value.split('\n').map(shownWidth))
  }
}

/** A color sequence. Only `styled` writes them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const SGR = /\u001b\[\d+m/g

/** All kinds of line breaks. Inside a name they could begin a line that looks like this program's output. */
const BREAKS = /\r\n|[\n\r\u0085\u2028\u2029]/g

/**
 * Control characters, characters that reorder a line (bidirectional controls), and invisible characters
 * (zero-width characters, tags). A joiner between two emoji is kept.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]|\p{Surrogate}|(?<!\p{Extended_Pictographic}[\ufe0f\u{1f3fb}-\u{1f3ff}]?)\u200d|\u200d(?!\p{Extended_Pictographic})/gu

const REPLACEMENT = '\ufffd'

/** Makes text of others one safe line: line breaks become a visible sign. */
export function inline(value: string): string {
  return value.replace(BREAKS, '↵').replaceAll('\t', ' ').replace(UNSAFE, REPLACEMENT)
}

/**
 * A template tag. The template's own words are safe; each value is made safe and stays on one line. A
 * value that is a `Text` already is not changed.
 */
export function text(
  parts: TemplateStringsArray,
  ...values: readonly (Text | string | number)[]
): Text {
  const all = parts.map((part, index) => {
    const value = values[index]
    if (value === undefined) return part
    return part + (value instanceof Text ? value.toString() : inline(String(value)))
  })
  return create(all.join(''))
}

/** Makes text of others safe, and keeps its lines. */
export function block(value: string): Text {
  return create(value.replace(/\r\n?/g, '\n').replace(UNSAFE, REPLACEMENT))
}

export function joined(parts: readonly Text[], separator: ' ' | '\n' | ', ' | '' = '\n'): Text {
  return create(parts.join(separator))
}

export function styled([on, off]: readonly [number, number], value: Text | string): Text {
  return create(`\u001b[${on}m${text`${value}`}\u001b[${off}m`)
}

/** Indents every line. */
export function indented(value: Text, indent: string): Text {
  return create(value.toString().replace(/^/gm, indent))
}

/** Cuts a line to this number of columns, so that the terminal does not wrap it. */
export function fitted(value: Text, columns: number): Text {
  if (value.width <= columns) return value
  let used = 0
  let kept = ''
  for (const character of value.toString().replace(SGR, '')) {
    used += widthOf(character)
    if (used > columns - 1) break
    kept += character
  }
  return create(`${kept}…`)
}

/** Breaks long lines at blanks, so that a terminal breaks no word. Continued lines begin with `indent`. */
export function wrapped(value: Text, columns: number, indent = ''): Text {
  const lines = value.toString().split('\n')
  return create(lines.map((line) => wrappedLine(line, columns, indent)).join('\n'))
}

function wrappedLine(line: string, columns: number, indent: string): string {
  if (shownWidth(line) <= columns) return line
  const [, margin = '', rest = ''] = /^( *)(.*)$/s.exec(line) ?? []
  let done = ''
  let current = margin
  let isEmpty = true
  for (const word of rest.split(/( +)/)) {
    const isBlank = /^ *$/.test(word)
    if (!isBlank && !isEmpty && shownWidth(current + word) > columns) {
      done += `${current.trimEnd()}\n`
      current = indent
    } else if (isBlank && shownWidth(current) >= columns) continue
    current += word
    if (!isBlank) isEmpty = false
  }
  return done + current
}

function shownWidth(line: string): number {
  return widthOf(line.replace(SGR, ''))
}

/**
 * Writes terms with their explanations in a second column. An explanation of a term that is too long for
 * its column begins on the next line.
 */
export function listing(rows: readonly (readonly [string, string])[], columns: number): Text {
  const gap = ' '.repeat(TERM_WIDTH)
  const lines = rows.map(([term, about]) => {
    const left = inline(`  ${term}`)
    const fits = widthOf(left) <= TERM_WIDTH - 2
    const first = fits ? left.padEnd(TERM_WIDTH) : gap
    const explained = wrappedLine(`${first}${inline(about)}`.trimEnd(), columns, gap)
    return fits ? explained : `${wrappedLine(left, columns, '      ')}\n${explained}`.trimEnd()
  })
  return create(lines.join('\n'))
}

/** The columns of a term in a listing, with the gap after it. */
const TERM_WIDTH = 28

/** Writes columns side by side, each as wide as its longest cell, except the last one. */
export function table(rows: readonly (readonly (Text | string)[])[], indent = '  '): Text {
  const cells = rows.map((row) => row.map((cell) => text`${cell}`))
  const widths: number[] = []
  for (const row of cells) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.width)
    }
  }
  const lines = cells.map((row) => {
    const padded = row.map((cell, index) => {
      const missing = index === row.length - 1 ? 0 : (widths[index] ?? 0) - cell.width
      return cell.toString() + ' '.repeat(missing)
    })
    return `${indent}${padded.join('  ')}`.trimEnd()
  })
  return create(lines.join('\n'))
}

/** Writes JSON with an escape for every unsafe character, which programs read as the same value. */
export function jsonText(value: unknown, space: number | undefined = 2): Text {
  const json = JSON.stringify(value, undefined, space) ?? 'null'
  return create(json.replace(UNSAFE, escapeSequence))
}

/** Returns the `\uXXXX` escapes of a character, one for each of its UTF-16 units. */
export function escapeSequence(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
  }).join('')
}

/** Whether text has to be changed before it is printed. */
export function isPrintable(value: string): boolean {
  return inline(value) === value
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

function widthOf(line: string): number {
  let width = 0
  for (const character of line) {
    if (/\p{Mark}|\u200d/u.test(character)) continue
    width += WIDE.test(character) ? 2 : 1
  }
  return width
}
