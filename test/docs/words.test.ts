/** The private words that the code once had stay away: a reader would have to learn them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const FOLDERS = ['src', 'adapters', 'cli', 'reference', 'test', 'bench', 'docs', 'examples', 'bin']
const FILES = ['template.yaml', 'README.md', 'CONTRIBUTING.md', 'SECURITY.md']

/** The words, each with where it has a real meaning of its own. */
const WORDS: readonly [word: RegExp, real?: RegExp][] = [
  [/\bdoors?\b/i],
  [/\bnews\b/i],
  [/\bpatience\b/i],
  // A task has a journal: what happened in it, in order.
  [
    /\bjournals?\b/i,
    /^(src|test)\/tasks\/|^test\/(support|engines)\/tasks|^docs\/(durable|store|architecture|decisions)\.md/i,
  ],
  [/\baskers?\b/i],
  [/\boutlets?\b/i],
  // RFC 6749 exchanges a code for a token, and a request with its response is an HTTP exchange.
  [/\bexchanges?\b/i, /(code|token|HTTP|refresh)[\w ]* exchange|exchanges? (of|a|the|for)|^cli\//i],
  [/\b(heart)?beats?\b/i, /heartbeat/i],
  [/\bfarewells?\b/i],
  [/\blast ?words\b/i],
  [/\bbur(y|ied|ies|ying)\b/i],
  [/\bwelcomes?\b/i],
  [/\bsurroundings\b/i],
  [/\bworkbench\b/i],
  [/\bstands? ?back\b/i],
  [/\bin ?turn\b/i],
  [/\blazily\b/i],
  [/\bread-?aheads?\b/i],
  [/\bawaitable\b/i],
  [/\b(askBack|openRounds|takeIn|takeAnswer|postAnswer|isHere|knownEnds)\b/],
  [/\bforerunners?\b/i],
  [/\b(whoever|whomever|whosoever)\b/i],
  [/\b(nobody|somebody)\b/i, /'nobody\b|users\/nobody\/|'Nobody'|must be/],
  [/(?<!\b[Tt]here |n[Tt]here )\b(is|are|was|were) no\b(?! longer| faster| slower)/i],
  [/(: |, |; |\bis |\bof |\bwith |\bby )one that\b/i],
  [/\bhears?\b/i],
  [/\b(in our words|in so many words)\b/i],
  [/\b(let|lets|letting) go\b/i],
  [/\bso many\b/i],
  [/\bat the (least|most)\b/i],
  [/\bfor good\b/i],
  [/\b(get|gets|got) over\b/i],
  [/\b(come|comes|came) to nothing\b/i],
  [/\b(what is there|what is not there)\b/i],
  [/\b(may well|as it were)\b/i],
  [/\bmakes? of it\b/i],
  [/\bfor (as|so) long as it\b/i],
  [/\ball the same\b/i],
  [/\bbefore its time\b/i],
  [/\bcures?\b/i],
]

/** Files that hold the words because they are about them. */
const ABOUT = ['test/docs/words.test.ts']

const files = [
  ...FILES,
  ...FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs|cjs|js|py|sh|md|yaml)$/.test(name))
      .filter((name) => !/node_modules|(^|\/)(dist|\.cache|\.aws-sam)\//.test(name))
      .map((name) => join(folder, name)),
  ),
].filter((file) => !ABOUT.includes(file))

const lines = files.flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line, i) => ({ at: `${file}:${i + 1}`, line })),
)

describe('the words of the project', () => {
  it('are looked for in every folder', () => {
    for (const folder of FOLDERS) {
      expect(files.some((file) => file.startsWith(`${folder}/`))).toBe(true)
    }
  })

  it.each(WORDS)('%s is not among them', (word, real) => {
    const found = lines
      .filter(({ line }) => word.test(line))
      .map(({ at, line }) => `${at}: ${line.trim()}`)
      .filter((text) => !real?.test(text))
    expect(found).toEqual([])
  })
})
