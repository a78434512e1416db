/**
 * The page of the usage report in clients with MCP Apps: one HTML document without any request of its own.
 * It speaks the protocol of the extension by hand, because the library for it would be fifty times its size.
 */

const STYLE = `
:root { color-scheme: light dark; --fg: light-dark(#1b1b1b, #f2f2f2); --dim: light-dark(#595959, #b5b5b5);
  --bg: light-dark(#ffffff, #1c1c1c); --line: light-dark(#d5d5d5, #444444); --accent: light-dark(#005a9c, #6cb6ff) }
* { box-sizing: border-box }
body { margin: 0; padding: 12px; background: var(--color-background-primary, var(--bg));
  color: var(--color-text-primary, var(--fg)); font: 14px/1.4 var(--font-sans, system-ui, sans-serif) }
h1 { font-size: 16px; margin: 0 } p { margin: 2px 0; color: var(--dim) }
#views { display: flex; gap: 6px } nav { display: flex; flex-wrap: wrap; gap: 6px; margin: 10px 0 }
button, select { font: inherit; color: inherit; background: none; border: 1px solid var(--line);
  border-radius: 6px; padding: 4px 10px; cursor: pointer }
option { background: var(--bg); color: var(--fg) }
button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); font-weight: 600 }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
svg { width: 100%; height: auto; display: block } svg text { fill: var(--dim); font-size: 11px }
svg line { stroke: var(--line) } svg rect:hover { opacity: .75 }
ul { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 14px; padding: 0; margin: 6px 0; font-size: 12px }
i { display: inline-block; width: 10px; height: 10px; margin-right: 5px; border-radius: 2px }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; margin-top: 8px; font-size: 13px }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 120px }
`

/** Colours that people with any colour vision can distinguish, in light and dark; the last one is for the rest. */
const SCRIPT = `
  const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8c6d31', '#8a63d2', '#9e9e9e']
  const METRICS = [['total_tokens', 'Tokens'], ['input_tokens', 'Input tokens'], ['output_tokens', 'Output tokens'],
    ['requests', 'Requests'], ['cost', 'Cost (USD)']]
  const VIEWS = [['daily', 'By day', 'date'], ['models', 'By model', 'model'], ['users', 'By user', 'user']]
  let report, series, view = 'daily', metric = 'total_tokens'
  const byId = (id) => document.getElementById(id)
  const number = new Intl.NumberFormat('en'), money = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' })
  const show = (value, name) => (name === 'cost' ? money : number).format(value)
  const short = (value) => new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(value)

  // Everything from the log is set as text, never as HTML.
  function node(name, attributes, ...children) {
    const isDrawing = ['svg', 'rect', 'text', 'line', 'title', 'g'].includes(name)
    const made = isDrawing ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name)
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === 'onclick') made.addEventListener('click', value)
      else made.setAttribute(key, value)
    }
    made.append(...children)
    return made
  }

  // A unit of the drawing is a pixel, so that its text is as large as the rest.
  const widthOf = () => Math.max(280, document.body.clientWidth - 24)

  function rows() {
    const [, , key] = VIEWS.find(([name]) => name === view)
    return (report[view] || []).map((row) => ({ ...row, label: row[key] }))
  }

  function bar(label, amount, color, box) {
    const text = label + ': ' + show(amount, metric)
    return node('rect', { ...box, fill: color }, node('title', {}, text))
  }

  function columns() {
    const wide = widthOf()
    const days = series ? series.days : rows().map(({ label }) => label)
    const totals = new Map(rows().map((row) => [row.label, row[metric] || 0]))
    // The parts by model are known for all tokens; for other figures a day is one column.
    const parts = metric === 'total_tokens' && series ? series.series
      : [{ name: '', values: days.map((day) => totals.get(day) || 0) }]
    const sums = days.map((_, i) => parts.reduce((sum, { values }) => sum + values[i], 0))
    const most = Math.max(1e-9, ...sums), step = (wide - 60) / Math.max(1, days.length), width = Math.min(60, step * .8)
    const drawing = node('svg', { viewBox: '0 0 ' + wide + ' 260', role: 'img', 'aria-label': 'Usage of each day; the table has the figures' })
    for (const share of [0, .5, 1]) {
      const y = 220 - 200 * share
      drawing.append(node('line', { x1: 52, x2: wide - 6, y1: y, y2: y }),
        node('text', { x: 48, y: y + 4, 'text-anchor': 'end' }, short(most * share)))
    }
    const every = Math.ceil(days.length * 60 / wide)
    days.forEach((day, i) => {
      let y = 220
      const x = 54 + step * i + (step - width) / 2
      parts.forEach(({ name, values }, index) => {
        const height = 200 * values[i] / most
        if (height <= 0) return
        y -= height
        drawing.append(bar(name ? day + ', ' + name : day, values[i], color(index, name), { x, y, width, height }))
      })
      if (i % every === 0) drawing.append(node('text', { x: x + width / 2, y: 238, 'text-anchor': 'middle' }, day.slice(5)))
    })
    const legend = parts.length > 1 ? parts.map(({ name }, index) =>
      node('li', {}, node('i', { style: 'background:' + color(index, name) }), name)) : []
    byId('legend').replaceChildren(...legend)
    return drawing
  }

  const color = (index, name) => name === '(other)' ? COLORS[8] : COLORS[index % 8]

  function bars() {
    const wide = widthOf()
    byId('legend').replaceChildren()
    const top = rows().sort((a, b) => (b[metric] || 0) - (a[metric] || 0)).slice(0, 15)
    const most = Math.max(1e-9, ...top.map((row) => row[metric] || 0))
    const drawing = node('svg', { viewBox: '0 0 ' + wide + ' ' + Math.max(30, top.length * 34), role: 'img',
      'aria-label': 'The largest first; the table has the figures' })
    top.forEach((row, i) => {
      const amount = row[metric] || 0
      drawing.append(node('text', { x: 2, y: i * 34 + 12 }, row.label),
        bar(row.label, amount, COLORS[0], { x: 2, y: i * 34 + 16, width: Math.max(1, (wide - 80) * amount / most), height: 10 }),
        node('text', { x: 8 + Math.max(1, (wide - 80) * amount / most), y: i * 34 + 25 }, short(amount)))
    })
    return drawing
  }

  function draw() {
    const hasCost = report.totals.cost !== undefined && view !== 'users'
    const metrics = METRICS.filter(([name]) => name !== 'cost' || hasCost)
    if (!metrics.some(([name]) => name === metric)) metric = 'total_tokens'
    const { totals } = report
    byId('title').textContent = 'Bedrock usage, past ' + report.days + ' days, ' + report.region
    byId('totals').textContent = number.format(totals.requests) + ' requests, ' + number.format(totals.total_tokens) +
      ' tokens (' + number.format(totals.input_tokens) + ' in, ' + number.format(totals.output_tokens) + ' out)' +
      (totals.cost === undefined ? '' : ', about ' + money.format(totals.cost))
    byId('views').replaceChildren(...VIEWS.map(([name, label]) => node('button', { type: 'button',
      'aria-pressed': String(name === view), onclick: () => { view = name; draw(); byId('views').querySelector('[aria-pressed=true]').focus() } }, label)))
    const choice = byId('metric')
    choice.replaceChildren(...metrics.map(([name, label]) => node('option', { value: name }, label)))
    choice.value = metric
    byId('chart').replaceChildren(view === 'daily' ? columns() : bars())
    const [, , first] = VIEWS.find(([name]) => name === view)
    const columnsOf = [['requests', 'Requests'], ['input_tokens', 'Input'], ['output_tokens', 'Output'], ['total_tokens', 'Total'],
      ...(hasCost ? [['cost', 'Cost']] : [])]
    byId('head').replaceChildren(...[[first, first[0].toUpperCase() + first.slice(1)], ...columnsOf].map(([, label]) => node('th', { scope: 'col' }, label)))
    byId('rows').replaceChildren(...rows().map((row) => node('tr', {}, node('td', {}, row.label),
      ...columnsOf.map(([name]) => node('td', {}, row[name] === undefined ? '' : show(row[name], name))))))
    byId('notes').replaceChildren(...(report.notes || []).map((note) => node('p', {}, note)))
    byId('main').hidden = false
    byId('wait').hidden = true
  }

  let lastId = 0
  const waiting = new Map()
  const send = (message) => parent.postMessage({ jsonrpc: '2.0', ...message }, '*')
  const request = (method, params) => new Promise((resolve) => {
    waiting.set(++lastId, resolve)
    send({ id: lastId, method, params })
  })

  function applyContext({ theme, styles } = {}) {
    if (theme === 'light' || theme === 'dark') document.documentElement.style.colorScheme = theme
    for (const [name, value] of Object.entries((styles && styles.variables) || {})) {
      if (name.startsWith('--') && typeof value === 'string') document.documentElement.style.setProperty(name, value)
    }
  }

  addEventListener('message', ({ source, data }) => {
    // Only the client that shows this page may speak to it.
    if (source !== parent || !data || data.jsonrpc !== '2.0') return
    const { id, method, params, result } = data
    if (method === undefined) {
      const answered = waiting.get(id)
      waiting.delete(id)
      if (answered) answered(result)
    } else if (method === 'ui/notifications/tool-result') {
      const content = params.structuredContent
      if (!content || !content.totals) {
        byId('wait').textContent = (params.content || []).map(({ text }) => text || '').join(' ')
        return
      }
      report = content
      series = params._meta && params._meta['streamable-mcp/models-by-day']
      draw()
    } else if (method === 'ui/notifications/host-context-changed') applyContext(params)
    else if (id !== undefined) send({ id, result: {} })
  })
  byId('metric').addEventListener('change', ({ target }) => { metric = target.value; draw() })
  request('ui/initialize', { appInfo: { name: 'bedrock-usage', version: '1.0.0' }, appCapabilities: {}, protocolVersion: '2026-01-26' })
    .then((answer) => {
      applyContext(answer && answer.hostContext)
      send({ method: 'ui/notifications/initialized', params: {} })
      new ResizeObserver(() => {
        // The document itself is never lower than its frame, so only the body tells that it has shrunk.
        const { offsetWidth: width, offsetHeight: height } = document.body
        send({ method: 'ui/notifications/size-changed', params: { width, height } })
      }).observe(document.body)
    })
`

export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Bedrock usage</title>
<style>${STYLE}</style>
<p id="wait" role="status">Waiting for the report …</p>
<main id="main" hidden>
<h1 id="title"></h1>
<p id="totals"></p>
<nav aria-label="What the chart shows"><span id="views"></span><select id="metric" aria-label="Figure"></select></nav>
<div id="chart"></div>
<ul id="legend"></ul>
<div class="wide" tabindex="0" role="region" aria-label="Figures"><table><thead><tr id="head"></tr></thead><tbody id="rows"></tbody></table></div>
<div id="notes"></div>
</main>
<script>${SCRIPT}</script>
</html>
`
