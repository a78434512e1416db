/** Properties of URI templates. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchUri } from '../../src/handlers/uri-match.ts'
import { parseUriTemplate } from '../../src/handlers/uri-template.ts'

import { unicode, nonEmpty as value } from '../support/random-text.ts'

describe('a URI template', () => {
  const file = parseUriTemplate('x:///{a}{?q}')

  it.each([
    ['x:///a?q=b', { a: 'a', q: 'b' }],
    ['x:///a?q=b#c', undefined],
    ['x:///a?q=b&z=#c', undefined],
    ['x:///%C3%A9', { a: 'é' }],
    ['x:///%', undefined],
    ['x:///%E0%A4%A', undefined],
    ['x:///%ff', undefined],
  ])('matches %s as %j', (uri, values) => {
    const found = matchUri(file, uri)
    expect(found && { ...found }).toEqual(values)
  })

  const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/), {
    minLength: 5,
    maxLength: 5,
  })

  it('returns the values with which it was expanded', () => {
    const values = fc.tuple(value, value, value, value, value)
    fc.assert(
      fc.property(names, values, fc.boolean(), ([a, b, c, d, e], given, swapped) => {
        const template = `test://{${a}}/x{/${b}}/y/{${c}}.json{?${d},${e}}`
        const [va = '', vb = '', vc = '', vd = '', ve = ''] = given.map(encodeURIComponent)
        const query = [`${d}=${vd}`, `${e}=${ve}`]
        if (swapped) query.reverse()
        const uri = `test://${va}/x/${vb}/y/${vc}.json?${query.join('&')}`
        const expected = Object.fromEntries([a, b, c, d, e].map((name, i) => [name, given[i]]))
        expect({ ...matchUri(parseUriTemplate(template), uri) }).toEqual(expected)
      }),
    )
  })

  it('separates the values of one expression as RFC 6570 does', () => {
    fc.assert(
      fc.property(fc.tuple(value, value, value), (given) => {
        const [a, b, c] = given.map(encodeURIComponent)
        const expected = { a: given[0], b: given[1], c: given[2] }
        const match = (template: string, uri: string) => ({
          ...matchUri(parseUriTemplate(template), uri),
        })
        expect(match('x:{a,b,c}', `x:${a},${b},${c}`)).toEqual(expected)
        expect(match('x:/y{/a,b,c}', `x:/y/${a}/${b}/${c}`)).toEqual(expected)
        expect(match('x:{a,b}/{c}', `x:${a},${b}/${c}`)).toEqual(expected)
      }),
    )
  })

  it('gives a variable with + a path including its slashes', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9 .~_-]{1,8}$/).filter((text) => text !== '..')
    const segments = fc.array(segment, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(segments, (path) => {
        const found = matchUri(
          parseUriTemplate('file:///{+path}'),
          encodeURI(`file:///${path.join('/')}`),
        )
        expect(found?.path).toBe(path.join('/'))
      }),
    )
  })

  it('never throws', () => {
    const template = parseUriTemplate('test://{a}/{+b}{?c}')
    fc.assert(
      fc.property(
        fc.oneof(
          unicode,
          unicode.map((text) => `test://${text}`),
        ),
        (uri) => {
          const found = matchUri(template, uri)
          if (found) expect(uri).toMatch(/^test:\/\/[^/]+\//)
        },
      ),
    )
  })
})
