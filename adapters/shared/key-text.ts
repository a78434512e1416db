/** Store keys as text that a storage engine can hold. */
import { createHash } from 'node:crypto'

/**
 * Turns any text into a non-empty key of at most `limit` bytes of UTF-8. Different texts stay different. The
 * characters of `reserved` and lone surrogates, which have no UTF-8, become `%` and four hexadecimal
 * digits. The empty text becomes `%`. A text that is too long becomes `%=` and its SHA-256 digest.
 *
 * @param reserved Characters with a meaning in the engine's keys; `%` is always one of them.
 */
export function toKeyText(text: string, limit: number, reserved = ''): string {
  // A text that is too long before escaping need not be escaped: it may be megabytes from a client.
  const escaped = text.length > limit ? undefined : escapeCharacters(text, reserved)
  if (escaped !== undefined && Buffer.byteLength(escaped) <= limit) return escaped || '%'
  return `%=${createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex')}`
}

function escapeCharacters(text: string, reserved: string): string {
  return text.replace(/[\s\S]/gu, (character) => {
    const isLoneSurrogate = character.length === 1 && /[\uD800-\uDFFF]/.test(character)
    if (character !== '%' && !isLoneSurrogate && !reserved.includes(character)) return character
    return `%${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
