/** Shows any result as a table: one row for each item of a list, one column for each member name. */

import { isObject } from './json.ts'
import type { Text } from './text.ts'
import { table, text } from './text.ts'

/** The largest length of a cell; a longer text is cut. */
const CELL_LIMIT = 60

export function tableText(value: unknown): Text {
  const list = rowsOf(value)
  if (!list.every(isObject))
    return table(
      list.map((one) => [cell(one)]),
      '',
    )
  const names = [...new Set(list.flatMap((one) => Object.keys(one)))]
  if (names.length === 0) return text`(empty)`
  const rows = list.map((one) => names.map((name) => cell(one[name])))
  return table([names.map((name) => name.toUpperCase()), ...rows], '')
}

/** Finds the list to show, because most results are objects that contain one list. */
function rowsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  if (!isObject(value)) return [value]
  const lists = Object.values(value).filter((one) => Array.isArray(one))
  return lists.length === 1 ? (lists[0] as unknown[]) : [value]
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const whole = typeof value === 'string' ? value : JSON.stringify(value)
  const characters = [...whole]
  return characters.length > CELL_LIMIT ? `${characters.slice(0, CELL_LIMIT - 1).join('')}…` : whole
}
