/** Builds the documentation as a site in `dist/site`, and checks that every link in it leads somewhere. Run by `npm run docs`. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PAGES } from '../../test/support/docs.ts'
import { brokenLinks } from './links.ts'
import { homeOf, introduction, nameOf, pageOf, sidebarOf } from './pages.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const dist = join(here, '../../dist')
const pages = join(here, '.cache/pages')
const site = join(dist, 'site')

rmSync(pages, { recursive: true, force: true })
for (const { path } of PAGES) write(nameOf(path) ?? path, pageOf(path))
write('index.md', homeOf(introduction()))
const sidebar = [
  {
    text: 'All tasks',
    collapsed: true,
    items: sidebarOf('docs/guides/README.md').flatMap(({ items }) => items),
  },
  ...sidebarOf('docs/README.md'),
]
write('site.json', JSON.stringify({ ...introduction(), sidebar }))

rmSync(site, { recursive: true, force: true })
const vitepress = join(here, 'node_modules/vitepress/bin/vitepress.js')
execFileSync(process.execPath, [vitepress, 'build', here], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
if (!existsSync(join(dist, 'api'))) throw new Error('There is no reference: run `npm run docs:api`')
cpSync(join(dist, 'api'), join(site, 'api'), { recursive: true })

const { links, broken } = brokenLinks(site)
if (broken.length > 0) throw new Error(`Links that lead nowhere:\n${broken.join('\n')}`)
console.error(`${PAGES.length + 1} pages, ${links} links that all lead somewhere: dist/site`)

function write(name: string, text: string): void {
  mkdirSync(dirname(join(pages, name)), { recursive: true })
  writeFileSync(join(pages, name), text)
}
