/** `npm run test:agent`: examples/agent with the unmodified Strands SDK, against a stand-in for Bedrock. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import { createReferenceServer } from '../../reference/tools/index.ts'
import { bearer } from '../../src/index.ts'
import type { Answer, FakeBedrock } from '../support/fake-bedrock.ts'
import { startFakeBedrock } from '../support/fake-bedrock.ts'
import type { Terminal } from '../support/terminal.ts'
import { openTerminal } from '../support/terminal.ts'

const token = 'a-token-that-is-long-enough-for-a-test'
const chat = fileURLToPath(new URL('../../examples/agent/chat.ts', import.meta.url))
/** The Strands SDK needs Node 22. */
const node =
  Number(process.versions.node.split('.')[0]) >= 22
    ? process.execPath
    : execFileSync('npx', ['-y', '-p', 'node@24', 'node', '-p', 'process.execPath'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim()
const command = [
  node,
  '--experimental-strip-types',
  '--disable-warning=ExperimentalWarning',
  chat,
] as const

let server: NodeServer
let bedrock: FakeBedrock
let terminal: Terminal | undefined
/** Lets the model send its next piece. */
let say: () => void

beforeEach(async () => {
  const mcp = createReferenceServer({ auth: bearer({ tokens: [token] }), log: () => {} })
  server = await serve(mcp, { port: 0, grace: 0, signals: false })
  bedrock = await startFakeBedrock(model)
})

afterEach(async () => {
  terminal?.close()
  terminal = undefined
  await bedrock.close()
  await server.close()
})

/** A model that does what the last message says. */
function model({ messages }: { messages: FakeBedrock['requests'][number]['messages'] }): Answer {
  const last = messages.at(-1)?.content ?? []
  const result = last.find(({ toolResult }) => toolResult)?.toolResult?.content[0]?.text
  if (result !== undefined) return { text: ['The tool says: ', result] }
  const question = last.map(({ text }) => text).join(' ')
  if (question.includes('time')) return { tool: 'get_time', input: {} }
  if (question.includes('greet')) return { tool: 'greet', input: { name: 'Ada' } }
  if (question.includes('denied')) return { refuse: 'AccessDeniedException', status: 403 }
  if (question.includes('slowly')) return { text: slowly(['One. ', 'Two. ', 'Three.']) }
  return { text: ['I have nothing to say.'] }
}

async function* slowly(pieces: string[]): AsyncGenerator<string> {
  for (const piece of pieces) {
    yield piece
    await new Promise<void>((resolve) => {
      say = resolve
    })
  }
}

function environment(settings: Record<string, string> = {}) {
  return {
    MCP_SERVER_URL: `http://127.0.0.1:${server.port}/mcp`,
    ACCESS_TOKEN: token,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
    AWS_ACCESS_KEY_ID: 'AKIATEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
    ...settings,
  }
}

function open(settings?: Record<string, string>): Terminal {
  terminal = openTerminal(command, environment(settings))
  return terminal
}

describe('a chat with the agent', () => {
  it("answers with the help of the server's tools", async () => {
    const screen = open()
    await screen.sees(/amazon\.nova-pro-v1:0 with .*get_time/)
    await screen.sees('> ')
    screen.enter('What time is it?')
    await screen.sees('[get_time]')
    await screen.sees(/The tool says: .*Current UTC time: \d{4}-\d\d-\d\d/s)
    await screen.sees('> ')
    screen.enter('Now greet Ada')
    await screen.sees('[greet]')
    await screen.sees(/The tool says: .*Hello, Ada!/s)

    const [first, second, third] = bedrock.requests
    expect(first?.modelId).toBe('amazon.nova-pro-v1:0')
    expect(first?.toolConfig?.tools.map(({ toolSpec }) => toolSpec.name)).toContain(
      'get_bedrock_usage_report',
    )
    expect(second?.messages.length).toBe(3)
    // The conversation continues: question, call, result, answer, and the next question.
    expect(third?.messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
      'user',
    ])
  })

  it('shows an answer while it is being written', async () => {
    const screen = open()
    await screen.sees('> ')
    screen.enter('Count slowly')
    await screen.sees('One. ')
    expect(screen.text()).not.toContain('Two.')
    say()
    await screen.sees('Two. ')
    expect(screen.text()).not.toContain('Three.')
    say()
    await screen.sees('Three.')
    say()
    await screen.sees('> ')
  })

  it('ends an answer at Ctrl+C, and between answers the chat', async () => {
    const screen = open()
    await screen.sees('> ')
    screen.enter('Count slowly')
    await screen.sees('One. ')
    screen.type('\x03')
    await screen.sees('(cancelled)')
    await screen.sees('> ')
    await expect.poll(() => bedrock.cancelled, { timeout: 10_000 }).toBe(1)
    screen.enter('Are you still there?')
    await screen.sees('I have nothing to say.')
    await screen.sees('> ')
    screen.type('\x03')
    await screen.sees('Goodbye')
    expect(await screen.exited).toBe(0)
  })

  it('continues after a refusal by Bedrock, and says what is needed', async () => {
    const screen = open({ BEDROCK_MODEL_ID: 'us.amazon.nova-micro-v1:0', AWS_REGION: 'eu-west-1' })
    await screen.sees('us.amazon.nova-micro-v1:0 with')
    await screen.sees('> ')
    screen.enter('denied')
    await screen.sees(
      /denied access to us\.amazon\.nova-micro-v1:0 in eu-west-1: .*ModelWithResponse/s,
    )
    await screen.sees('> ')
    screen.enter('hello')
    await screen.sees('I have nothing to say.')
  })

  it.each([
    ['a token that is wrong', { ACCESS_TOKEN: 'wrong' }, 'wants a token: set ACCESS_TOKEN'],
    ['no token', { ACCESS_TOKEN: '' }, 'wants a token: set ACCESS_TOKEN'],
    [
      'no server',
      { MCP_SERVER_URL: 'http://127.0.0.1:1/mcp' },
      'does not answer as an MCP server: check MCP_SERVER_URL',
    ],
  ])('does not start with %s, and says so in a sentence', async (_, settings, words) => {
    const screen = open(settings)
    await screen.sees(words)
    expect(await screen.exited).toBe(1)
    expect(screen.text()).not.toMatch(/\n\s+at /)
  })

  it('answers lines from a pipe one after the other, and ends after the last one', async () => {
    const child = spawn(command[0], command.slice(1), {
      env: { ...process.env, ...environment() },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stdin.end('What time is it?\n\nhello\n')
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    expect(output).toMatch(/\[get_time\].*Current UTC time.*I have nothing to say\..*Goodbye/s)
  })
})
