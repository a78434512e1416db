/** Every requirement that a comment or a test cites is explained in docs/requirements.md, and a test cites each of those. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const SOURCES = ['src', 'adapters', 'cli', 'reference', 'bench']
const CODE = /(?<![%\w/#-])([A-H])(\.?)(\d{1,2})(?:–([A-H]?)(\d{1,2}))?(?![\w%])/g

/** Returns the codes in a text. A range such as B33–B39 means each of its codes. */
function codesIn(text: string): string[] {
  return [...text.matchAll(CODE)].flatMap(([, letter, dot, first, , last = first]) =>
    Array.from(
      { length: Number(last) - Number(first) + 1 },
      (_, i) => `${letter}${dot}${Number(first) + i}`,
    ),
  )
}

function citedUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|py|sh)$/.test(name) && !/node_modules|^docs/.test(name))
    .flatMap((name) => codesIn(readFileSync(join(folder, name), 'utf8')))
}

const page = readFileSync('docs/requirements.md', 'utf8')
const rows = [...page.matchAll(/^\| ([A-H]\.?\d+) \| (.*) \| \[[^\]]+\]\[([\w-]+)\] \|$/gm)].map(
  ([, code = '', meaning = '', link = '']) => ({ code, meaning, link }),
)
const listed = new Set(rows.map(({ code }) => code))
const links = new Map(
  [...page.matchAll(/^\[([\w-]+)\]: (\S+)$/gm)].map(([, name = '', url = '']) => [name, url]),
)
const tested = new Set(citedUnder('test'))
const cited = new Set([...SOURCES.flatMap(citedUnder), ...tested])

describe('docs/requirements.md', () => {
  it('is read by this test', () => {
    expect(rows.length).toBeGreaterThan(150)
    expect(listed.size).toBe(rows.length)
    expect(cited.size).toBeGreaterThan(100)
    // The pattern above would skip a row of another form, so the rows are counted.
    expect(page.match(/^\| [A-H]\.?\d+ \|/gm)).toHaveLength(rows.length)
  })

  it('explains every code that is cited', () => {
    expect([...cited].filter((code) => !listed.has(code)).sort()).toEqual([])
  })

  it('explains no code that no test cites, unless it says why', () => {
    const silent = rows.filter(({ code, meaning }) => !tested.has(code) && !/\*.+\*/.test(meaning))
    expect(silent.map(({ code }) => code)).toEqual([])
  })

  it('gives no such reason for a code that a test cites', () => {
    const needless = rows.filter(({ code, meaning }) => tested.has(code) && /\*.+\*/.test(meaning))
    expect(needless.map(({ code }) => code)).toEqual([])
  })

  it('links each code to a page of the specification, and has no other links', () => {
    expect(rows.filter(({ link }) => !links.has(link)).map(({ code }) => code)).toEqual([])
    const used = new Set(rows.map(({ link }) => link))
    expect([...links.keys()].filter((name) => !used.has(name))).toEqual([])
    const official = /^https:\/\/(modelcontextprotocol\.io|github\.com\/modelcontextprotocol)\/\S+$/
    expect([...links.values()].filter((url) => !official.test(url))).toEqual([])
  })
})
