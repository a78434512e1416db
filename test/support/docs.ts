/** The pages of the documentation, and their code blocks, links and headings. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

export interface Page {
  readonly path: string
  readonly text: string
}

const read = (path: string): Page => ({ path, text: readFileSync(path, 'utf8') })

export const PAGES: readonly Page[] = [
  ...[
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'CHANGELOG.md',
    'cli/README.md',
    'create-streamable-mcp/README.md',
    'examples/agent/README.md',
  ],
  ...['docs', 'docs/guides'].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
].map(read)

export function pageOf(path: string): string {
  const page = PAGES.find((one) => one.path === path)
  if (!page) throw new Error(`There is no page ${path}`)
  return page.text
}

export interface Block {
  /** The page and the number of the block, such as `docs/tools.md 2`. */
  readonly name: string
  readonly language: string
  readonly code: string
}

export const BLOCKS: readonly Block[] = PAGES.flatMap(({ path, text }) =>
  [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', code = ''], i) => ({
    name: `${path} ${i + 1}`,
    language,
    code,
  })),
)

/** Returns the text of a page without its code. */
export const prose = (text: string) =>
  text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, (code) => ' '.repeat(code.length))

/** Returns the links of a page to files of the repository, each with its heading. */
export function linksOf({ path, text }: Page): { path: string; anchor: string | undefined }[] {
  // A link in an example of code leads to a file of the example.
  const written = text.replace(/^```.*?^```$/gms, '')
  const targets = [
    ...written.matchAll(/\]\(([^)\s]+)\)/g),
    ...written.matchAll(/^\[[\w-]+\]: (\S+)$/gm),
  ].map(([, target = '']) => target)
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor] = target.split('#')
      return { path: file ? normalize(join(dirname(path), file)) : path, anchor }
    })
}

/** Returns the anchors of a page, as GitHub creates them. */
export function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
