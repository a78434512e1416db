/** What the client reads and prints: settings, arguments, forms, bars, secrets, and a server's text. */
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { scripted } from '../../cli/src/answers.ts'
import { templateVariables } from '../../cli/src/completion.ts'
import { debugFetch, holdsSecret } from '../../cli/src/debug.ts'
import { describeField, fieldHint, parseField } from '../../cli/src/forms.ts'
import { parseInput, splitWords } from '../../cli/src/operations.ts'
import { Output, printable } from '../../cli/src/output.ts'
import { progressText } from '../../cli/src/progress.ts'
import { parseServerUrl, readSettings } from '../../cli/src/settings.ts'

/** An output that remembers, on streams that claim to be terminals or not. */
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

  it('reads the variables of the forerunner (A66–A71)', () => {
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

  it('types words by the schema, and leaves blanks inside of quotes alone', () => {
    expect(parseInput(`n=5 s=5 l=[1,2] other="two  words" s2='a "b"'`, tool)).toEqual({
      n: 5,
      s: '5',
      l: [1, 2],
      other: 'two  words',
      s2: 'a "b"',
    })
    expect(splitWords('a  "b c" d=\'e f\' "g \\"h\\""')).toEqual(['a', 'b c', 'd=e f', 'g "h"'])
  })

  it('never turns what it cannot read into an empty object (A79)', () => {
    expect(() => parseInput('{"a":', tool)).toThrow('not valid JSON')
    expect(() => parseInput('word', tool)).toThrow('is not name=value')
    expect(parseInput('', tool)).toEqual({})
    expect(parseInput('{"a":"b  c"}', tool)).toEqual({ a: 'b  c' })
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

  it('describes fields with their choices and what Enter means', () => {
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
  it("removes what a terminal would obey from a server's text", () => {
    expect(printable('a\u001b[2Jb\u0007c\u009bd\r\ne\rf\tg')).toBe('a�[2Jb�c�d\ne\nf\tg')
  })

  it('colors at a terminal, and nowhere else, and never against NO_COLOR', () => {
    expect(recorder({}, true).output.style('red', 'x')).toBe('\u001b[31mx\u001b[39m')
    expect(recorder({}, false).output.style('red', 'x')).toBe('x')
    expect(recorder({ NO_COLOR: '1' }, true).output.style('red', 'x')).toBe('x')
    expect(recorder({ FORCE_COLOR: '1' }, false).output.style('red', 'x')).toBe(
      '\u001b[31mx\u001b[39m',
    )
  })

  it('draws a bar that fits on one line', () => {
    expect(progressText(1, 4, 'work', 80)).toMatch(/^█+░+ {2}25 % work$/)
    expect(progressText(7, undefined, undefined, 80)).toBe('… 7')
    expect([...progressText(1, 2, 'x'.repeat(500), 60)].length).toBeLessThan(60)
    expect(progressText(9, 4, 'a\nb', 80)).toContain('100 % a b')
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
