/** The list of mutants fits the sources, so that it cannot rot between two runs of `npm run test:mutants`. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { transform } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { mutate, ROOT, readMutants } from './list.ts'

const mutants = await readMutants()

it('has at least 120 mutants that a test can tell from the original', () => {
  expect(mutants.filter(({ equivalent }) => !equivalent).length).toBeGreaterThanOrEqual(120)
})

it('has each mutant once', () => {
  const names = mutants.map(({ file, from, to }) => JSON.stringify([file, from, to]))
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})

describe.each([...new Set(mutants.map(({ file }) => file))])('of %s', (file) => {
  const own = mutants.filter((mutant) => mutant.file === file)

  it('changes a text that stands once in the file, into one that compiles', async () => {
    for (const mutant of own) {
      const text = await mutate(mutant)
      expect(text).toContain(mutant.to)
      expect((await transform(text, { loader: 'ts' })).code, mutant.from).not.toBe('')
    }
  })

  it('names tests that exist', () => {
    const tests = [...new Set(own.flatMap((mutant) => mutant.tests))]
    expect(tests).not.toEqual([])
    expect(tests.filter((test) => !existsSync(join(ROOT, test)))).toEqual([])
  })
})
