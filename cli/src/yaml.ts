/** Writes values as YAML 1.2 with as few quotes as possible. */

import { isObject } from './json.ts'
import type { Text } from './text.ts'
import { block, jsonText } from './text.ts'

export function yamlText(value: unknown): Text {
  // A round trip through JSON removes undefined members and turns dates into strings.
  const plain: unknown = JSON.parse(JSON.stringify(value) ?? 'null')
  return block(write(plain, ''))
}

function write(value: unknown, indent: string): string {
  if (Array.isArray(value) && value.length > 0) {
    const lines = value.map((one) => `${indent}- ${write(one, `${indent}  `).trimStart()}`)
    return lines.join('\n')
  }
  if (isObject(value) && Object.keys(value).length > 0) {
    const lines = Object.entries(value).map(([key, one]) => {
      const nested = typeof one === 'object' && one !== null && Object.keys(one).length > 0
      const text = write(one, `${indent}  `)
      return `${indent}${scalar(key)}:${nested ? '\n' : ' '}${nested ? text : text.trimStart()}`
    })
    return lines.join('\n')
  }
  return typeof value === 'string' ? scalar(value) : String(JSON.stringify(value))
}

/** Writes a text without quotes only if every YAML reader reads it as this text. */
function scalar(value: string): string {
  const plain = /^[A-Za-z_/][\w./@ -]*$/.test(value) && !/\s$/.test(value)
  const word = /^(y|n|yes|no|on|off|true|false|null)$/i.test(value)
  return plain && !word ? value : jsonText(value, undefined).toString()
}
