/** Draws the tokens per day by model as a PNG: ECharts draws the chart, resvg turns it into pixels. */
import type { Row } from './ledger.ts'
import { OTHER, totalTokens } from './ledger.ts'
import { DAY_MS, isoDay } from './record.ts'
import type { Report } from './report.ts'

/** Colours that people with any colour vision can distinguish (Okabe and Ito). The last one is for all other models. */
const COLORS = [
  '#0072b2',
  '#e69f00',
  '#009e73',
  '#cc79a7',
  '#56b4e9',
  '#d55e00',
  '#8c6d31',
  '#000000',
]
const OTHER_COLOR = '#9e9e9e'

/**
 * Loads both libraries for this call. They are JavaScript, with WebAssembly inside it, so a bundle needs
 * neither a native binary for its host nor a file beside it.
 */
export async function drawChart(report: Report): Promise<Uint8Array> {
  const [{ init, use }, { BarChart }, components, { SVGRenderer }, { Resvg }, { interRegular }] =
    await Promise.all([
      import('echarts/core'),
      import('echarts/charts'),
      import('echarts/components'),
      import('echarts/renderers'),
      import('@cf-wasm/resvg'),
      import('./font.ts'),
    ])
  use([
    BarChart,
    components.GridComponent,
    components.LegendComponent,
    components.TitleComponent,
    SVGRenderer,
  ])
  const { days, series } = chartData(report)
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 1000, height: 600 })
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: 'Inter' },
    title: {
      text: 'Tokens per day by model',
      subtext: `Amazon Bedrock, ${report.region}, past ${report.days} days`,
      left: 'center',
      top: 12,
      textStyle: { fontWeight: 400, fontSize: 20 },
    },
    // The legend grows upwards from the bottom; three names fit in a line.
    legend: { bottom: 12, width: 900, itemGap: 14, formatter: padded },
    grid: { left: 80, right: 30, top: 90, bottom: 70 + 24 * Math.ceil(series.length / 3) },
    xAxis: { type: 'category', data: days, axisTick: { show: days.length <= 31 } },
    yAxis: { type: 'value', axisLabel: { formatter: shortNumber } },
    series: series.map(({ name, values }, index) => ({
      name,
      type: 'bar',
      stack: 'tokens',
      barMaxWidth: 80,
      data: values,
      color: name === OTHER ? OTHER_COLOR : COLORS[index],
    })),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  const image = await Resvg.async(svg, {
    background: '#ffffff',
    fitTo: { mode: 'zoom', value: 1.5 },
    font: { fontBuffers: [interRegular()], defaultFontFamily: 'Inter', sansSerifFamily: 'Inter' },
  })
  return image.render().asPng()
}

/** Adds spaces, because without a browser ECharts guesses the width of a text, and its guess is too small. */
function padded(name: string): string {
  return name + ' '.repeat(Math.ceil(name.length / 4))
}

/** Returns every day of the period, also days without usage, and the largest models with one series for the rest. */
export function chartData({ modelsByDay, tables, period }: Report): {
  days: string[]
  series: { name: string; values: number[] }[]
} {
  const days = daysOf(period, modelsByDay)
  const dayIndex = new Map(days.map((day, index) => [day, index]))
  const own = new Set(tables.model.slice(0, COLORS.length).map(({ keys }) => keys[0]))
  const series = new Map<string, number[]>()
  for (const model of tables.model) {
    const name = own.has(model.keys[0]) ? (model.keys[0] ?? OTHER) : OTHER
    if (!series.has(name))
      series.set(
        name,
        days.map(() => 0),
      )
  }
  for (const row of modelsByDay) {
    const [day = '', model = ''] = row.keys
    const values = series.get(own.has(model) ? model : OTHER)
    const index = dayIndex.get(day)
    if (values && index !== undefined) values[index] = (values[index] ?? 0) + totalTokens(row)
  }
  return { days, series: [...series].map(([name, values]) => ({ name, values })) }
}

/** Returns the days of the period and of all rows, because a record may have a day outside the period. */
function daysOf({ from, to }: Report['period'], rows: readonly Row[]): string[] {
  const days = new Set(rows.map(({ keys }) => keys[0] ?? ''))
  days.delete(OTHER)
  for (let time = from; time < to; time += DAY_MS) days.add(isoDay(time))
  days.add(isoDay(to - 1))
  return [...days].sort()
}

/** `1500000` as `1.5M`. */
export function shortNumber(value: number): string {
  for (const [size, unit] of [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= size) return `${Number((value / size).toFixed(1))}${unit}`
  }
  return String(value)
}
