/** Charts of the benchmark as inline SVG, made when the site is built. */

interface Labelled {
  readonly label: string
}

/** The parts of `bench/results.json` that are drawn. */
export interface Results {
  readonly date: string
  readonly node: string
  readonly machine: string
  readonly costs: Readonly<Record<string, readonly (Labelled & { readonly ratio: number })[]>>
  readonly latencies: readonly (Labelled & { readonly connections: number; readonly p99: number })[]
  readonly coldStarts: readonly (Labelled & { readonly later: number })[]
}

interface Bar {
  readonly label: string
  readonly value: number
}

const WIDTH = 720
const ROW = 26
const LABELS = 300
const NUMBERS = 60

/** The charts as Markdown, to be put in front of the tables. */
export function chartsOf(results: Results): string {
  const { date, node, machine } = results
  const bars = (rows: readonly Labelled[], value: (row: never) => number): Bar[] =>
    rows.map((row) => ({ label: row.label, value: value(row as never) }))
  const cost = (name: string) =>
    bars(results.costs[name] ?? [], ({ ratio }: { ratio: number }) => ratio).filter(
      // A session on DynamoDB pays for two requests over the network, which the others do not make.
      ({ label }) => !label.includes('DynamoDB'),
    )
  const busy = results.latencies.filter(({ connections }) => connections === 16)
  const charts = [
    chart('CPU of a call ÷ bare Hono’s', cost('`tools/call`'), ''),
    chart('The same with 100 tools', cost('… of 100 tools'), ''),
    chart(
      'p99 of a call at 16 connections',
      bars(busy, ({ p99 }: { p99: number }) => p99),
      ' ms',
    ),
    chart(
      'First answer later than bare Hono’s, in a new process',
      bars(results.coldStarts, ({ later }: { later: number }) => Math.max(0, later)),
      ' ms',
    ),
  ]
  const when = `Measured on ${date.slice(0, 10)}, Node ${node}, ${machine}. Shorter is better.`
  return `${charts.join('\n\n')}\n\n${when}\n`
}

/** One chart of horizontal bars. Its colors are the theme's, so that it is right in the dark, too. */
export function chart(title: string, bars: readonly Bar[], unit: string): string {
  const most = Math.max(...bars.map(({ value }) => value))
  const room = WIDTH - LABELS - NUMBERS
  const height = bars.length * ROW + 4
  const rows = bars.map(({ label, value }, i) => {
    const isOurs = label.includes('streamable-mcp')
    const y = i * ROW + 4
    const fill = isOurs ? 'var(--vp-c-brand-1)' : 'var(--vp-c-text-3)'
    const length = Math.max(1, (value / most) * room)
    const number = value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)
    return [
      `<text x="${LABELS - 8}" y="${y + 14}" text-anchor="end" font-weight="${isOurs ? 600 : 400}">${escaped(plain(label))}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${length.toFixed(1)}" height="${ROW - 8}" rx="2" style="fill:${fill}"/>`,
      `<text x="${(LABELS + length + 6).toFixed(1)}" y="${y + 14}">${number}${unit}</text>`,
    ].join('')
  })
  const said = bars
    .map(({ label, value }) => `${plain(label)} ${value.toFixed(2)}${unit}`)
    .join('; ')
  return [
    `<figure class="chart"><figcaption>${escaped(title)}</figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(`${title}: ${said}`)}" style="width:100%;font-size:13px;fill:var(--vp-c-text-1)">${rows.join('')}</svg></figure>`,
  ].join('')
}

/** The labels are Markdown. */
const plain = (label: string) => label.replaceAll(/[*`]/g, '')

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '"': '&quot;' }
const escaped = (text: string) => text.replaceAll(/[&<"]/g, (sign) => ENTITIES[sign] ?? sign)
