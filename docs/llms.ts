/** Writes llms.txt: what a language model should read about this project, in the order of the index. Run by `npm run docs:llms`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** Text without links, and headings of the second level, for a page. */
const plain = (text: string) => text.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
const headings = (page: string) =>
  [...page.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => plain(heading))

export function toLlms(): string {
  const readme = read('README.md')
  const [, title = '', summary = ''] = /^# (.+)\n+(.+)\n/.exec(readme) ?? []
  const lines = [`# ${title}`, '', `> ${plain(summary)}`, '']
  lines.push('Install it with `npm install streamable-mcp`. A whole server is:', '')
  lines.push(/^```ts\n.*?^```$/ms.exec(readme)?.[0] ?? '')
  for (const line of read('docs/README.md').split('\n')) {
    const [, section] = /^\*\*(.+)\*\*$/.exec(line) ?? []
    if (section) lines.push('', `## ${section}`, '')
    if (!line.startsWith('* ')) continue
    const about = plain(line.replace(/^\* \[[^\]]+\]\([^)]+\):? ?/, ''))
    for (const [, name = '', link = ''] of line.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)) {
      const path = normalize(join('docs', dirname(link), link.split('/').at(-1) ?? ''))
      const parts = headings(read(path)).join('; ')
      const words = [about.startsWith(',') ? '' : about, parts].filter(Boolean).join('. Parts: ')
      lines.push(`- [${name}](${path})${words && `: ${words}`}`)
    }
  }
  return `${lines.join('\n')}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(root, 'llms.txt'), toLlms())
}
