/** Structured results as a tree and as a table. */
import { useState } from 'preact/hooks'
import type { JsonObject } from '../json.ts'
import { isObject, objectOf, objectsOf, pretty } from '../json.ts'

/** Members beyond this are shown on request. */
const MOST_MEMBERS = 200
const MOST_COLUMNS = 20

export function Data({ value }: { readonly value: unknown }) {
  const table = tableOf(value)
  const [shown, setShown] = useState<'tree' | 'table' | 'json'>(table ? 'table' : 'tree')
  const ways = [...(table ? (['table'] as const) : []), 'tree', 'json'] as const
  return (
    <div class="data">
      <fieldset class="choices">
        <legend class="hidden">Show as</legend>
        {ways.map((way) => (
          <button
            type="button"
            key={way}
            aria-pressed={shown === way}
            onClick={() => setShown(way)}
          >
            {way === 'json' ? 'JSON' : way === 'tree' ? 'Tree' : 'Table'}
          </button>
        ))}
      </fieldset>
      {shown === 'table' && table && <Table rows={table} />}
      {shown === 'tree' && <Tree value={value} open />}
      {shown === 'json' && <pre class="code">{pretty(value)}</pre>}
    </div>
  )
}

/** The rows of a value that is a list of objects, or that holds one such list. */
function tableOf(value: unknown): JsonObject[] | undefined {
  const lists = Array.isArray(value)
    ? [value]
    : Object.values(objectOf(value)).filter(Array.isArray)
  const [list] = lists
  if (lists.length !== 1 || !list || list.length === 0) return undefined
  const rows = objectsOf(list)
  return rows.length === list.length ? rows : undefined
}

interface Sort {
  readonly column: string
  readonly order: 'ascending' | 'descending'
}

function nextSort(sort: Sort | undefined, column: string): Sort {
  const isReversed = sort?.column === column && sort.order === 'ascending'
  return { column, order: isReversed ? 'descending' : 'ascending' }
}

/** Numbers by their size, everything else by its text. */
function comparing({ column, order }: Sort) {
  const sign = order === 'ascending' ? 1 : -1
  return (one: JsonObject, other: JsonObject) => {
    const [a, b] = [one[column], other[column]]
    if (typeof a === 'number' && typeof b === 'number') return sign * (a - b)
    return sign * cellOf(a).localeCompare(cellOf(b))
  }
}

function Table({ rows }: { readonly rows: readonly JsonObject[] }) {
  const [sort, setSort] = useState<Sort>()
  const [all, setAll] = useState(false)
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].slice(0, MOST_COLUMNS)
  const sorted = sort ? rows.toSorted(comparing(sort)) : rows
  const shown = all ? sorted : sorted.slice(0, MOST_MEMBERS)
  return (
    <section class="scroll" aria-label="Table of the result">
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column}
                scope="col"
                aria-sort={sort?.column === column ? sort.order : undefined}
              >
                <button type="button" onClick={() => setSort(nextSort(sort, column))}>
                  <bdi>{column}</bdi>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, i) => (
            <tr key={i}>
              {columns.map((column) => (
                <td key={column} class={typeof row[column] === 'number' ? 'number' : undefined}>
                  <bdi>{cellOf(row[column])}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < rows.length && (
        <button type="button" class="quiet" onClick={() => setAll(true)}>
          Show all {rows.length} rows
        </button>
      )}
    </section>
  )
}

function cellOf(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : pretty(value)
}

interface TreeProps {
  readonly name?: string
  readonly value: unknown
  readonly open?: boolean
}

/** A branch makes its members when it is opened, so a deep value costs nothing before. */
export function Tree({ name, value, open = false }: TreeProps) {
  const [isOpen, setOpen] = useState(open)
  const [all, setAll] = useState(false)
  const label = name === undefined ? null : <bdi class="name">{name}: </bdi>
  if (!isObject(value) && !Array.isArray(value)) {
    return (
      <div class="leaf">
        {label}
        <bdi class={`value ${value === null ? 'null' : typeof value}`}>{cellOf(value)}</bdi>
      </div>
    )
  }
  const members = Object.entries(value)
  const shown = all ? members : members.slice(0, MOST_MEMBERS)
  const count = Array.isArray(value) ? `[${members.length}]` : `{${members.length}}`
  return (
    <details
      class="branch"
      open={isOpen}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>
        {label}
        {count}
      </summary>
      {isOpen && shown.map(([key, member]) => <Tree key={key} name={key} value={member} />)}
      {isOpen && shown.length < members.length && (
        <button type="button" class="quiet" onClick={() => setAll(true)}>
          Show all {members.length}
        </button>
      )}
    </details>
  )
}
