/** Draws the bytes of a terminal on a grid, as a person sees them, with marks for colors if wanted. */

interface Cell {
  readonly text: string
  readonly style: string
}

/** Returns the lines of the screen without trailing blanks. With `colors`, styled text is in «style:…». */
export function screenOf(raw: string, columns: number, colors = false): string {
  const rows: Cell[][] = [[]]
  let [x, y] = [0, 0]
  let style = ''
  const row = (): Cell[] => {
    while (rows.length <= y) rows.push([])
    return rows[y] as Cell[]
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal consists of these
  for (const [token] of raw.matchAll(/\u001b\[[?\d;]*[A-Za-z]|\u001b[^[]|[\s\S]/gu)) {
    const [, given = '', command] = /^.\[([?\d;]*)([A-Za-z])$/.exec(token) ?? []
    const count = Number(given || 1)
    if (command === 'm') style = STYLES[given] ?? style
    else if (command === 'A') y = Math.max(0, y - count)
    else if (command === 'B') y += count
    else if (command === 'C') x += count
    else if (command === 'D') x = Math.max(0, x - count)
    else if (command === 'G') x = count - 1
    else if (command === 'K') row().splice(x)
    else if (command === 'J') {
      row().splice(x)
      rows.splice(y + 1)
    } else if (token === '\r') x = 0
    else if (token === '\n') y += 1
    else if (token === '\b') x = Math.max(0, x - 1)
    else if (command === undefined && token >= ' ') {
      if (x >= columns) [x, y] = [0, y + 1]
      const cells = row()
      while (cells.length < x) cells.push({ text: ' ', style: '' })
      cells[x] = { text: token, style }
      x += 1
    }
  }
  return rows
    .map((cells) => lineOf(cells, colors).trimEnd())
    .join('\n')
    .trimEnd()
}

const STYLES: Readonly<Record<string, string>> = {
  1: 'bold',
  2: 'dim',
  22: '',
  31: 'red',
  32: 'green',
  33: 'yellow',
  36: 'cyan',
  39: '',
}

function lineOf(cells: readonly Cell[], colors: boolean): string {
  let line = ''
  let open = ''
  for (const { text, style } of cells) {
    if (colors && style !== open)
      line += `${open === '' ? '' : '»'}${style === '' ? '' : `«${style}:`}`
    open = colors ? style : ''
    line += text
  }
  return open === '' ? line : `${line}»`
}
