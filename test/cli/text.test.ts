/** The texts that the client reads and prints: settings, arguments, forms, progress bars, secrets, and a server's text. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { scripted } from '../../cli/src/answers.ts'
import { readArguments, splitWords } from '../../cli/src/arguments.ts'
import { templateVariables } from '../../cli/src/completion.ts'
import { debugFetch, holdsSecret } from '../../cli/src/debug.ts'
import { describeField, fieldHint, parseField } from '../../cli/src/forms.ts'
import { Output } from '../../cli/src/output.ts'
import { progressText } from '../../cli/src/progress.ts'
import { parseServerUrl, readSettings } from '../../cli/src/settings.ts'
import { block, inline, jsonText, listing, styled, text, wrapped } from '../../cli/src/text.ts'

/** Returns an output that keeps its text, on streams that are terminals or not. */
function recorder(env: NodeJS.ProcessEnv = {}, isTTY = false) {
  const texts = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof texts) =>
    Object.assign(
      new Writable({
        write(chunk, _encoding, done) {
          texts[name] += String(chunk)
          done()
        },
      }),
      { isTTY, columns: 80 },
    )
  return { texts, output: new Output({ stdout: stream('stdout'), stderr: stream('stderr'), env }) }
}

describe('settings', () => {
  it.each([
    ['http://localhost:3000/mcp/', 'http://localhost:3000/mcp'],
    ['localhost:3000/mcp', 'http://localhost:3000/mcp'],
    ['example.com/mcp', 'https://example.com/mcp'],
    [
      'https://a1.execute-api.us-east-1.amazonaws.com/prod',
      'https://a1.execute-api.us-east-1.amazonaws.com/prod/mcp',
    ],
    [
      'https://a1.execute-api.us-east-1.amazonaws.com/prod/mcp',
      'https://a1.execute-api.us-east-1.amazonaws.com/prod/mcp',
    ],
    [
      'https://a1.execute-api.us-east-1.amazonaws.com/mcp',
      'https://a1.execute-api.us-east-1.amazonaws.com/mcp',
    ],
    ['https://example.com/#part', 'https://example.com'],
  ])('reads the URL %s as %s (A66)', (given, url) => {
    expect(parseServerUrl(given)).toBe(url)
  })

  it.each(['not a url at all', 'file:///etc/passwd', 'ftp://example.com'])(
    'refuses the URL %s',
    (url) => {
      expect(() => parseServerUrl(url)).toThrow(/is not a/)
    },
  )

  it('reads the variables of the earlier client (A66–A71)', () => {
    const settings = readSettings({
      MCP_SERVER_URL: 'https://example.com/mcp/',
      AUTH_METHOD: 'lambda',
      OAUTH_CLIENT_ID: 'id',
      OAUTH_REDIRECT_URI: 'http://localhost:8000/callback',
      MCP_CLIENT_DEBUG: 'true',
      ACCESS_TOKEN: 'token',
      STREAMABLE_MCP_HOME: '/somewhere',
    })
    expect(settings).toEqual({
      url: 'https://example.com/mcp',
      authMethod: 'lambda',
      era: 'auto',
      identity: { clientId: 'id', redirectUri: 'http://localhost:8000/callback' },
      accessToken: 'token',
      assumePkce: false,
      folder: '/somewhere',
      debug: true,
    })
    expect(readSettings({}).url).toBe('http://localhost:3000/mcp')
    expect(() => readSettings({ AUTH_METHOD: 'none' })).toThrow('AUTH_METHOD must be one of')
  })
})

describe('arguments', () => {
  const tool = {
    name: 't',
    inputSchema: {
      type: 'object' as const,
      properties: { n: { type: 'number' }, s: { type: 'string' }, l: { type: 'array' } },
    },
  }

  const read = (words: readonly string[], input = '') =>
    readArguments(words, tool, { readInput: async () => input })
  const readLine = (line: string) => read(splitWords(line))

  it('types words by the schema, and leaves blanks inside of quotes alone', async () => {
    expect(await readLine(`n=5 s=5 l=[1,2] other="two  words" s2='a "b"'`)).toEqual({
      n: 5,
      s: '5',
      l: [1, 2],
      other: 'two  words',
      s2: 'a "b"',
    })
    expect(splitWords('a  "b c" d=\'e f\' "g \\"h\\""')).toEqual(['a', 'b c', 'd=e f', 'g "h"'])
  })

  it('does not change words of a shell', async () => {
    expect(await read(["name=it's"])).toEqual({ name: "it's" })
    expect(await read(['name="quoted"'])).toEqual({ name: '"quoted"' })
    expect(await read(['l=["a","b"]', 'n=-3'])).toEqual({ l: ['a', 'b'], n: -3 })
    expect(await read(['a=b=c', 'd=  two  blanks '])).toEqual({ a: 'b=c', d: '  two  blanks ' })
    expect(await read(['back=\\n', 'multi=one\ntwo'])).toEqual({ back: '\\n', multi: 'one\ntwo' })
  })

  it('reads the same at the prompt, where a quote inside of a word is a letter', async () => {
    expect(await readLine("name=it's other=o'clock")).toEqual({ name: "it's", other: "o'clock" })
    expect(await readLine('l=["a b","c"] n=1')).toEqual({ l: ['a b', 'c'], n: 1 })
    expect(await readLine('{"a": "b  c", "d": [1, 2]}')).toEqual({ a: 'b  c', d: [1, 2] })
    expect(await readLine('x:={"y": "z {"} n=2')).toEqual({ x: { y: 'z {' }, n: 2 })
  })

  it('takes JSON by :=, and values from files and standard input', async () => {
    expect(await read(['x:=true', 's:=5', 'o:={"a":[1]}'])).toEqual({
      x: true,
      s: 5,
      o: { a: [1] },
    })
    await expect(read(['x:=yes'])).rejects.toThrow('The value of "x" is not valid JSON')
    expect(await read(['-'], '{"a":1}')).toEqual({ a: 1 })
    expect(await read(['s=@-'], 'a text')).toEqual({ s: 'a text' })
    const folder = await mkdtemp(join(tmpdir(), 'cli-arguments-'))
    const path = join(folder, 'file.json')
    await writeFile(path, '{"a":"b"}')
    expect(await read([`@${path}`])).toEqual({ a: 'b' })
    expect(await read([`s=@${path}`])).toEqual({ s: '{"a":"b"}' })
    expect(await read([`x:=@${path}`])).toEqual({ x: { a: 'b' } })
    await rm(folder, { recursive: true })
    await expect(read(['@nowhere.json'])).rejects.toThrow('The file nowhere.json cannot be read')
    await expect(read(['s=@ann'])).rejects.toThrow('The file ann cannot be read')
  })

  it('never turns an unreadable argument into an empty object (A79)', async () => {
    await expect(read(['{"a":'])).rejects.toThrow('not valid JSON')
    await expect(read(['[1]'])).rejects.toThrow('is not name=value')
    await expect(read(['word'])).rejects.toThrow('is not name=value')
    await expect(read(['-'], '[1]')).rejects.toThrow('no JSON object')
    expect(await read([])).toEqual({})
    expect(await read(['{"a":"b  c"}'])).toEqual({ a: 'b  c' })
    expect(Object.keys(await read(['__proto__=x']))).toEqual(['__proto__'])
  })

  it('finds the variables of a template', () => {
    expect(templateVariables('a://{x}/{+y,z*}{?q:3}')).toEqual(['x', 'y', 'z', 'q'])
  })
})

describe('forms (B68)', () => {
  const string = { type: 'string' } as const

  it.each([
    [{ type: 'boolean' }, 'Yes', { value: true }],
    [{ type: 'boolean' }, 'maybe', { reason: 'Answer y or n.' }],
    [{ type: 'integer', minimum: 1, maximum: 3 }, '2', { value: 2 }],
    [{ type: 'integer' }, '2.5', { reason: 'Give a whole number.' }],
    [{ type: 'number', maximum: 3 }, '4', { reason: 'Give at most 3.' }],
    [{ type: 'number' }, 'NaN', { reason: 'Give a number.' }],
    [{ ...string, minLength: 3 }, 'é🎈', { reason: 'Give at least 3 characters.' }],
    [{ ...string, format: 'email' }, 'a@b', { reason: 'That is not a valid email.' }],
    [{ ...string, format: 'email' }, 'a@b.c', { value: 'a@b.c' }],
    [{ ...string, format: 'uri' }, 'nope', { reason: 'That is not a valid uri.' }],
    [{ ...string, format: 'date' }, '2026-13-01', { reason: 'That is not a valid date.' }],
    [{ ...string, format: 'date-time' }, '2026-01-01T10:00:00Z', { value: '2026-01-01T10:00:00Z' }],
    [{ ...string, enum: ['a', 'b'] }, '2', { value: 'b' }],
    [{ ...string, enum: ['2', '1'] }, '1', { value: '1' }],
    [{ ...string, enum: ['x'], enumNames: ['The X'] }, 'The X', { value: 'x' }],
    [{ ...string, oneOf: [{ const: 'x', title: 'The X' }] }, '1', { value: 'x' }],
    [{ ...string, enum: ['a'] }, 'c', { reason: 'Choose one of these.' }],
    [{ type: 'array', items: { ...string, enum: ['a', 'b'] } }, 'b, 1, b', { value: ['b', 'a'] }],
    [
      { type: 'array', minItems: 2, items: { anyOf: [{ const: 'a', title: 'A' }] } },
      'A',
      { reason: 'Choose at least 2.' },
    ],
  ] as const)('reads %j from "%s" as %j', (schema, text, parsed) => {
    expect(parseField(schema as Parameters<typeof parseField>[0], text)).toEqual(parsed)
  })

  it('describes fields with their choices and the effect of Enter', () => {
    const schema = {
      type: 'string',
      title: 'Size',
      enum: ['s', 'm'],
      enumNames: ['Small', 'm'],
      default: 'm',
    } as const
    expect(
      describeField('size', { ...schema, enum: ['s', 'm'], enumNames: ['Small', 'm'] }),
    ).toEqual(['Size', '  1) Small (s)', '  2) m'])
    expect(fieldHint({ ...schema, enum: ['s', 'm'], enumNames: [] }, true)).toBe(
      'one of these; Enter for m',
    )
    expect(fieldHint({ type: 'string', format: 'email' }, false)).toBe('email; Enter to skip')
  })

  it('answers by a rule without a person', async () => {
    const signal = new AbortController().signal
    const params = {
      mode: 'form' as const,
      message: 'm',
      requestedSchema: {
        type: 'object' as const,
        properties: {
          a: { type: 'string' as const, default: 'd' },
          b: { type: 'string' as const },
        },
        required: ['b'],
      },
    }
    expect(await scripted('{"b":"x"}').elicit?.(params, signal)).toEqual({
      action: 'accept',
      content: { a: 'd', b: 'x' },
    })
    expect(await scripted('defaults').elicit?.(params, signal)).toEqual({ action: 'cancel' })
    expect(await scripted('decline').elicit?.(params, signal)).toEqual({ action: 'decline' })
    expect(() => scripted('perhaps')).toThrow('--answer takes')
  })
})

describe('output', () => {
  it("removes control characters from a server's text", () => {
    expect(String(block('a\u001b[2Jb\u0007c\u009bd\r\ne\rf\tg'))).toBe('a�[2Jb�c�d\ne\nf\tg')
    expect(inline('one\ntwo\r\nthree\u2028four\u0085five')).toBe('one↵two↵three↵four↵five')
    // Bidirectional controls, zero-width characters, tags, and lone surrogates.
    expect(inline('a\u202eb\u2066c\u200bd\ufeffe\u{e0041}f\ud800g\u200dh')).toBe('a�b�c�d�e�f�g�h')
    expect(inline('👩\u200d🚀 é 日本')).toBe('👩\u200d🚀 é 日本')
    expect(String(text`our ${'their\ntext'}`)).toBe('our their↵text')
  })

  it('escapes control characters in JSON without a loss', () => {
    const value = { text: 'a\u009b2Jb\u202ec\u{e0041}' }
    const json = String(jsonText(value))
    expect(inline(json.replaceAll('\n', ''))).toBe(json.replaceAll('\n', ''))
    expect(JSON.parse(json)).toEqual(value)
  })

  it('uses colors only at a terminal, and never with NO_COLOR', () => {
    const red = (env: NodeJS.ProcessEnv, isTTY: boolean) =>
      String(recorder(env, isTTY).output.style('red', 'x'))
    expect(red({}, true)).toBe('\u001b[31mx\u001b[39m')
    expect(red({}, false)).toBe('x')
    expect(red({ NO_COLOR: '1' }, true)).toBe('x')
    expect(red({ FORCE_COLOR: '1' }, false)).toBe('\u001b[31mx\u001b[39m')
  })

  it('draws a bar that fits on one line', () => {
    const bar = (...given: Parameters<typeof progressText>) => String(progressText(...given))
    expect(bar(1, 4, 'work', 80)).toMatch(/^█+░+ {2}25 % work$/)
    expect(bar(7, undefined, undefined, 80)).toBe('… 7')
    expect(progressText(1, 2, 'x'.repeat(500), 60).width).toBeLessThan(60)
    expect(progressText(1, 2, '日'.repeat(500), 60).width).toBeLessThan(60)
    expect(bar(9, 4, 'a\nb', 80)).toContain('100 % a↵b')
  })

  it('hides secrets from debugging, and can be turned on while it runs (A89)', async () => {
    const { texts, output } = recorder()
    const settings = readSettings({})
    const answer = {
      access_token: 'SECRET-1',
      token_type: 'Bearer',
      nested: { password: 'SECRET-2' },
    }
    const fetch = debugFetch(
      async () => Response.json(answer, { headers: { 'mcp-session-id': 'SECRET-3' } }),
      settings,
      output,
    )
    await fetch('https://example.com/token')
    expect(texts.stderr).toBe('')
    settings.debug = true
    await fetch('https://example.com/token?code=SECRET-4&x=seen', {
      method: 'POST',
      headers: { authorization: 'Bearer SECRET-5' },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: 'SECRET-6',
        code_verifier: 'SECRET-7',
      }),
    })
    await expect.poll(() => texts.stderr).toContain('token_type')
    expect(texts.stderr).not.toContain('SECRET')
    expect(texts.stderr).toContain('x=seen')
    expect(texts.stderr).toContain('grant_type=refresh_token')
    expect(texts.stderr).toContain('Bearer [8 characters]')
  })

  it.each([
    ['call-tool x {"password":"y"}', true],
    ['call-tool x api_key=abc', true],
    ['header Authorization: Bearer abc', true],
    ['call-tool x a=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig', true],
    ['call-tool greet name=Ann', false],
    ['auth login', false],
  ])('knows whether "%s" holds a secret: %s', (line, secret) => {
    expect(holdsSecret(line)).toBe(secret)
  })
})

it('breaks long lines at blanks, and never in a word or a color', () => {
  const line = styled([1, 22], 'report')
  expect(String(wrapped(text`${line}: reads all of it`, 12, '  '))).toBe(
    '\u001b[1mreport\u001b[22m:\n  reads all\n  of it',
  )
  expect(String(wrapped(text`    short`, 12))).toBe('    short')
  expect(String(wrapped(text`averyverylongword and more`, 8))).toBe('averyverylongword\nand more')
})

it('puts the explanation of a long term on the next line', () => {
  const rows = [
    ['ping', 'see whether it answers'],
    ['a-term-that-is-longer-than-its-column', 'explained'],
  ] as const
  expect(String(listing(rows, 80)).split('\n')).toEqual([
    `  ping${' '.repeat(22)}see whether it answers`,
    '  a-term-that-is-longer-than-its-column',
    `${' '.repeat(28)}explained`,
  ])
})
