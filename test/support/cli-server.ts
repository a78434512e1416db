/** A server for the client's tests, with everything that a client has to show, answer or wait for. */
import * as v from 'valibot'
import { serve } from '../../adapters/node.ts'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { createMcp, image } from '../../src/index.ts'

const Name = v.object({ name: v.string() })
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

export interface CliServer {
  readonly url: string
  readonly port: number
  readonly mcp: Mcp
  /** The number of calls of `wait` that run, and of those that were cancelled. */
  readonly waiting: () => number
  readonly cancelled: () => number
  close(): Promise<void>
}

export async function startCliServer(
  options: Partial<McpOptions> & { readonly port?: number } = {},
): Promise<CliServer> {
  const { port = 0, ...rest } = options
  let waiting = 0
  let cancelled = 0
  const mcp = createMcp({
    name: 'cli-server',
    version: '1.0.0',
    instructions: 'Be kind.',
    log: () => {},
    ...rest,
  })
  mcp.tool('greet', { description: 'Greets', input: Name }, ({ name }) => `Hello, ${name}!`)
  mcp.tool('multi-greet', { description: 'Greets', input: Name }, async ({ name }, ctx) => {
    for (const step of [1, 2, 3]) {
      ctx.log.info(`Greeting ${step} of ${name}`)
      ctx.progress(step, 3, 'greeting')
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    return `Good morning, ${name}!`
  })
  mcp.tool(
    'add',
    { description: 'Adds', input: v.object({ a: v.number(), b: v.number() }) },
    (sum) => {
      return sum.a + sum.b
    },
  )
  mcp.tool('wait', { description: 'Waits until it is cancelled' }, async (_, ctx) => {
    ctx.log.info('waiting')
    waiting += 1
    await new Promise((_resolve, reject) => {
      ctx.signal.addEventListener('abort', () => {
        waiting -= 1
        cancelled += 1
        reject(ctx.signal.reason)
      })
    })
    return 'never'
  })
  mcp.tool('ask', { description: 'Asks for a form' }, async (_, ctx) => {
    const answer = await ctx.elicit(
      'Who are you?',
      v.object({
        name: v.pipe(v.string(), v.title('Your name')),
        color: v.picklist(['red', 'blue']),
        age: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
        sure: v.boolean(),
      }),
    )
    return JSON.stringify(answer)
  })
  mcp.tool('visit', { description: 'Asks to visit a page' }, async (_, ctx) => {
    return (await ctx.elicitUrl('Sign in, please', 'https://example.com/sign-in')).action
  })
  mcp.tool('think', { description: 'Asks for a model' }, async (_, ctx) => {
    const thought = await ctx.sample({
      messages: [
        { role: 'user', content: { type: 'text', text: 'What is the capital of France?' } },
      ],
      maxTokens: 10,
    })
    return JSON.stringify(thought.content)
  })
  mcp.tool('touch', { description: 'Changes the note' }, async (_, ctx) => {
    await ctx.notify.resourceUpdated('note://one')
    await ctx.notify.toolsChanged()
    return 'touched'
  })
  mcp.tool('picture', { description: 'Draws' }, () => image(pixel))
  mcp.tool('escape', { description: 'Tries to command the terminal' }, () => '\u001b[2Jgone')
  mcp.prompt(
    'greeting',
    {
      description: 'Asks for a greeting',
      input: Name,
      complete: { name: (value) => ['Alice', 'Albert'].filter((one) => one.startsWith(value)) },
    },
    ({ name }) => `Please greet ${name}.`,
  )
  mcp.resource('note://one', { name: 'note', mimeType: 'text/plain' }, () => 'Hello, world!')
  mcp.resource('weather://{city}', { name: 'weather' }, ({ city }) => `Sunny in ${city}`)
  const serving = await serve(mcp, { port, signals: false, grace: 100 })
  return {
    url: `http://127.0.0.1:${serving.port}/mcp`,
    port: serving.port,
    mcp,
    waiting: () => waiting,
    cancelled: () => cancelled,
    close: () => serving.close(),
  }
}
