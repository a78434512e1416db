/** Looks up every link of a built site: the file, and the place in it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface Links {
  /** How many were looked up. */
  readonly links: number
  /** `page → target` for each that leads nowhere. */
  readonly broken: readonly string[]
}

const BASE = process.env.DOCS_BASE ?? '/'

/** Reads all pages of a folder. Links to other sites are not looked up. */
export function brokenLinks(folder: string): Links {
  const places = new Map<string, ReadonlySet<string>>()
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.html'),
  )
  const texts = new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
  const placesOf = (name: string): ReadonlySet<string> => {
    const found = places.get(name) ?? new Set(matches(texts.get(name) ?? '', /\sid="([^"]+)"/g))
    places.set(name, found)
    return found
  }
  const broken: string[] = []
  let links = 0
  for (const [name, text] of texts) {
    for (const target of new Set(matches(text, /\s(?:href|src)="([^"]*)"/g))) {
      if (/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(target) || target === '#') continue
      links++
      // The name of a page is its address below any origin.
      const { pathname, hash } = new URL(target, `http://site${BASE}${name}`)
      const path = toFile(folder, decodeURI(pathname).slice(BASE.length))
      const anchor = decodeURIComponent(hash.slice(1))
      const leads =
        path !== undefined &&
        (anchor === '' || !path.endsWith('.html') || placesOf(path).has(anchor))
      if (!leads) broken.push(`${name} → ${target}`)
    }
  }
  return { links, broken }
}

function toFile(folder: string, path: string): string | undefined {
  const names = [path, `${path}.html`, join(path, 'index.html')]
  return names.find(
    (name) => existsSync(join(folder, name)) && statSync(join(folder, name)).isFile(),
  )
}

function matches(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, value = '']) => value.replaceAll('&amp;', '&'))
}
