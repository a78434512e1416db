/** The documents as pages of a site: their links, the charts of the benchmark, and the search for broken links. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { Results } from '../../docs/site/charts.ts'
import { chart, chartsOf } from '../../docs/site/charts.ts'
import { brokenLinks } from '../../docs/site/links.ts'
import { nameOf, pageOf, sidebarOf } from '../../docs/site/pages.ts'
import { slugOf } from '../../docs/site/slug.ts'
import { anchorsOf, PAGES } from '../support/docs.ts'

const folder = mkdtempSync(join(tmpdir(), 'site-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('gives every document a page of its own', () => {
  const names = PAGES.map(({ path }) => nameOf(path))
  expect(names).not.toContain(undefined)
  expect(new Set(names).size).toBe(PAGES.length)
})

it('leads from page to page, and to the repository for files without a page', () => {
  const guide = pageOf('docs/guides/README.md')
  expect(guide).toContain('](../testing.md)')
  expect(guide).toContain('](../starter.md)')
  expect(guide).toContain('](./debug-401.md)')
  const operate = pageOf('docs/operate.md')
  expect(operate).toContain('/blob/main/template.yaml)')
  expect(operate).toContain('](#401)')
})

it('has the groups of the index at its side', () => {
  const groups = sidebarOf('docs/README.md')
  expect(groups.length).toBeGreaterThan(3)
  expect(groups.flatMap(({ items }) => items)).toContainEqual({
    text: 'Debug a 401',
    link: '/guides/debug-401',
  })
  const items = sidebarOf('docs/guides/README.md').flatMap((group) => group.items)
  expect(items.map(({ link }) => link)).toContain('/proxies#nginx')
})

it('names headings as GitHub does', () => {
  const heading = '`dev` reloads: 100 % of it, “quoted”'
  expect(anchorsOf(`## ${heading}`)).toEqual([slugOf(heading)])
})

it('draws each bar as long as its number, and says them to those who do not see', () => {
  const svg = chart(
    'Cost',
    [
      { label: '**ours**, `a` <b>', value: 1 },
      { label: 'other', value: 4 },
    ],
    ' ms',
  )
  const [one, four] = Array.from(svg.matchAll(/<rect [^>]*width="([\d.]+)"/g), ([, width]) =>
    Number(width),
  )
  expect((four ?? 0) / (one ?? 1)).toBeCloseTo(4)
  expect(svg).toContain('ours, a &lt;b>')
  expect(svg).toContain('aria-label="Cost: ours, a &lt;b> 1.00 ms; other 4.00 ms"')
  const results = JSON.parse(readFileSync('bench/results.json', 'utf8')) as Results
  expect(chartsOf(results).match(/<svg /g)).toHaveLength(4)
  expect(chartsOf(results)).not.toMatch(/NaN|Infinity|undefined/)
})

it('finds links that lead nowhere, in files and in places of a page', () => {
  mkdirSync(join(folder, 'guides'))
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('index.html', '<h1 id="top">A</h1><a href="/guides/one#first">1</a><a href="guides/">2</a>')
  write(
    'guides/index.html',
    '<a href="../index.html#top">1</a><a href="https://example.com/x">2</a>',
  )
  write('guides/one.html', '<h2 id="first">B</h2>')
  expect(brokenLinks(folder)).toEqual({ links: 3, broken: [] })
  write('guides/one.html', '<h2 id="second">B</h2><a href="gone.html">3</a>')
  expect([...brokenLinks(folder).broken].sort()).toEqual([
    'guides/one.html → gone.html',
    'index.html → /guides/one#first',
  ])
})
