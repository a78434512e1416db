/** Random texts for properties that hold for every text. */
import fc from 'fast-check'

/** Any text that JSON and UTF-8 can carry: every character, no half of a surrogate pair. */
export const unicode = fc.string({ unit: 'binary' })

/** The same without the empty text and without `..` as a part of a path. */
export const nonEmpty = unicode.filter(
  (text) => text.length > 0 && !text.split(/[\\/]/).includes('..'),
)
