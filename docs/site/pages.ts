/** Turns the repository's documents into pages of the site: names, links, charts, the list at the side. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Results } from './charts.ts'
import { chartsOf } from './charts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const REPOSITORY = 'https://github.com/streamable-mcp/streamable-mcp'

/** Documents outside of `docs/`, with their names on the site. */
const OTHERS: Readonly<Record<string, string>> = {
  'README.md': 'start.md',
  'docs/README.md': 'contents.md',
  'docs/guides/README.md': 'guides/index.md',
  'cli/README.md': 'cli-package.md',
  'create-streamable-mcp/README.md': 'starter.md',
  'examples/agent/README.md': 'agent.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security.md',
  'CHANGELOG.md': 'changes.md',
}

/** The name on the site of a document; undefined for a file that is not on it. */
export function nameOf(path: string): string | undefined {
  if (path in OTHERS) return OTHERS[path]
  return /^docs\/(?:guides\/)?[\w-]+\.md$/.test(path) ? path.slice('docs/'.length) : undefined
}

/** The text of a document as a page. A link to a file that is not on the site leads to the repository. */
export function pageOf(path: string): string {
  const own = nameOf(path) ?? path
  const parts = read(path).split(/(^```.*?^```$)/ms)
  const text = parts
    .map((part) => (part.startsWith('```') ? part : part.replaceAll(/\]\(([^)\s]+)\)/g, link)))
    .join('')
  return path === 'docs/benchmarks.md' ? withCharts(text) : text

  function link(_: string, target: string): string {
    if (/^(?:[a-z]+:|#)/.test(target)) return `](${target})`
    const [file = '', anchor] = target.split('#')
    const to = normalize(join(dirname(path), file)).replace(/\/$/, '')
    const name = nameOf(to)
    const end = anchor === undefined ? '' : `#${anchor}`
    if (name === undefined)
      return `](${REPOSITORY}/${isFolder(to) ? 'tree' : 'blob'}/main/${to}${end})`
    const way = relative(dirname(own), name)
    return `](${way.startsWith('.') ? way : `./${way}`}${end})`
  }
}

const isFolder = (path: string) => existsSync(join(root, path)) && !/\.\w+$/.test(path)

function withCharts(text: string): string {
  const charts = chartsOf(JSON.parse(read('bench/results.json')) as Results)
  return text.replace('<!-- bench:start -->', () => `<!-- bench:start -->\n\n${charts}`)
}

interface Group {
  readonly text: string
  readonly collapsed?: boolean
  readonly items: { readonly text: string; readonly link: string }[]
}

/** The groups of links that an index has, in its order. */
export function sidebarOf(index: string): Group[] {
  const groups: Group[] = []
  for (const line of read(index).split('\n')) {
    const [, heading] = /^(?:\*\*(.+)\*\*|## .+)$/.exec(line) ?? []
    if (heading) groups.push({ text: heading, items: [] })
    if (!line.startsWith('* ')) continue
    for (const [, text = '', target = ''] of line.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)) {
      const [path = '', anchor] = target.split('#')
      const name = nameOf(normalize(join(dirname(index), path)))
      const page = (name ?? '').replace(/(?:index)?\.md$/, '')
      const link = `/${page}${anchor === undefined ? '' : `#${anchor}`}`
      if (name !== undefined)
        groups.at(-1)?.items.push({ text: text[0]?.toUpperCase() + text.slice(1), link })
    }
  }
  return groups
}

export interface Introduction {
  readonly title: string
  readonly description: string
}

/** Name and first sentence of the README. */
export function introduction(): Introduction {
  const [, title = '', sentence = ''] = /^# (.+)\n+(.+?\.)\s/.exec(read('README.md')) ?? []
  return { title, description: sentence.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1') }
}

/** The first page: the introduction, and the ways on from there. */
export function homeOf({ title, description }: Introduction): string {
  const features = [
    ['Write tools', 'Schemas, results, questions, sessions, prompts and resources.', 'tools'],
    [
      'Find it by task',
      'Test, protect, limit, deploy, watch, migrate: one short answer each.',
      'guides/',
    ],
    ['Durable calls', 'Tools that run for hours, ask, sleep and survive their process.', 'durable'],
    ['AWS', 'A template with Lambda, DynamoDB, alarms and a dashboard.', 'aws'],
    ['Operate it', 'What to watch, and what to do when something is wrong.', 'operate'],
    ['How fast it is', 'Every number is measured by a script of the repository.', 'benchmarks'],
  ]
  const home = {
    layout: 'home',
    hero: {
      name: title,
      text: 'MCP servers over HTTP',
      tagline: description,
      actions: [
        { theme: 'brand', text: 'Start', link: '/start' },
        { theme: 'alt', text: 'By task', link: '/guides/' },
        { theme: 'alt', text: 'API', link: '/api/index.html', target: '_self' },
      ],
    },
    features: features.map(([name, details, link]) => ({ title: name, details, link: `/${link}` })),
  }
  // JSON is YAML.
  return `---\n${JSON.stringify(home, null, 2)}\n---\n`
}
