/** `greet`, `multi-greet`, the greeting prompt and the greeting resource (A3, A4, A6, A7). */
import * as v from 'valibot'
import type { Mcp } from '../../src/index.ts'
import { pause } from './pause.ts'

const Name = v.object({ name: v.pipe(v.string(), v.description('Name to greet')) })

export function greetings(mcp: Mcp): void {
  mcp.tool(
    'greet',
    {
      title: 'Greeting Tool',
      description: 'A simple greeting tool',
      input: Name,
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ name }) => `Hello, ${name}!`,
  )

  mcp.tool(
    'multi-greet',
    {
      title: 'Multiple Greeting Tool',
      description: 'Sends several greetings, one second apart',
      input: Name,
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ name }, ctx) => {
      ctx.log.debug(`Starting multi-greet for ${name}`)
      ctx.progress(0, 2)
      await pause(1000, ctx.signal)
      ctx.log.info(`Sending first greeting to ${name}`)
      ctx.progress(1, 2)
      await pause(1000, ctx.signal)
      ctx.log.info(`Sending second greeting to ${name}`)
      ctx.progress(2, 2)
      return `Good morning, ${name}!`
    },
  )

  mcp.prompt(
    'greeting-template',
    { title: 'Greeting', description: 'A simple greeting prompt template', input: Name },
    ({ name }) => `Please greet ${name} in a friendly manner.`,
  )

  mcp.resource(
    'https://example.com/greetings/default',
    {
      name: 'greeting-resource',
      title: 'Default greeting',
      description: 'A greeting in plain text',
      mimeType: 'text/plain',
    },
    () => 'Hello, world!',
  )
}
