/** Settings of VitePress for the pages that `build.ts` has written into `.cache/pages`. */
import { readFileSync } from 'node:fs'
import { slugOf } from '../slug.ts'

const { title, description, sidebar } = JSON.parse(
  readFileSync(new URL('../.cache/pages/site.json', import.meta.url), 'utf8'),
)

export default {
  title,
  description,
  lang: 'en',
  srcDir: '.cache/pages',
  cacheDir: '.cache/vite',
  outDir: '../../dist/site',
  base: process.env.DOCS_BASE ?? '/',
  // The reference is made by another program and copied beside the pages.
  ignoreDeadLinks: [/^\/api\//],
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: { anchor: { slugify: slugOf } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'By task', link: '/guides/' },
      { text: 'API', link: '/api/index.html', target: '_self' },
      { text: 'Benchmarks', link: '/benchmarks' },
    ],
    sidebar,
    socialLinks: [{ icon: 'github', link: 'https://github.com/streamable-mcp/streamable-mcp' }],
  },
}
