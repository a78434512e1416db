/** The server that the official conformance suite expects (F.3), written with the public API only. */
import * as v from 'valibot'
import type { Context, Mcp, McpOptions } from '../../src/index.ts'
import { audio, createMcp, embedded, failure, image, text } from '../../src/index.ts'
import { PNG, WAV } from './media.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Creates the server. The options may replace the engine or the clock. */
export function createFixtures(options: Partial<McpOptions> = {}): Mcp {
  const mcp = createMcp({ name: 'conformance-fixtures', version: '1.0.0', ...options })
  content(mcp)
  notifications(mcp)
  questions(mcp)
  rounds(mcp)
  resources(mcp)
  prompts(mcp)
  return mcp
}

function content(mcp: Mcp): void {
  mcp.tool(
    'test_simple_text',
    { description: 'Returns text' },
    () => 'This is a simple text response for testing.',
  )
  mcp.tool('test_image_content', { description: 'Returns an image' }, () => image(PNG))
  mcp.tool('test_audio_content', { description: 'Returns audio' }, () => audio(WAV))
  mcp.tool('test_embedded_resource', { description: 'Returns a resource' }, () =>
    embedded('test://embedded-resource', 'This is an embedded resource content.', 'text/plain'),
  )
  mcp.tool('test_multiple_content_types', { description: 'Returns mixed content' }, () => [
    text('Multiple content types test:'),
    image(PNG),
    embedded(
      'test://mixed-content-resource',
      JSON.stringify({ test: 'data', value: 123 }),
      'application/json',
    ),
  ])
  mcp.tool('test_error_handling', { description: 'Always fails' }, () =>
    failure('This tool intentionally returns an error for testing'),
  )
  mcp.tool(
    'test_header_parameter',
    {
      description: 'Takes a parameter that travels as a header too',
      input: v.object({ region: v.optional(v.string()) }),
      headers: { region: 'Region' },
    },
    ({ region }) => `region: ${region}`,
  )
  mcp.tool(
    'json_schema_2020_12_tool',
    {
      description: 'Keeps every keyword of its schema',
      input: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        $defs: {
          address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } },
          },
        },
        properties: {
          name: { type: 'string' },
          address: { $ref: '#/$defs/address' },
          contactMethod: { type: 'string', enum: ['phone', 'email'] },
          phone: { type: 'string' },
          email: { type: 'string' },
        },
        allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
        if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { required: ['phone'] },
        else: { required: ['email'] },
        additionalProperties: false,
      },
    },
    () => 'valid',
  )
}

function notifications(mcp: Mcp): void {
  mcp.tool('test_tool_with_logging', { description: 'Logs three times' }, async (_, ctx) => {
    ctx.log.info('Tool execution started')
    await pause(50)
    ctx.log.info('Tool processing data')
    await pause(50)
    ctx.log.info('Tool execution completed')
    return 'Tool with logging executed successfully'
  })
  mcp.tool('test_logging_tool', { description: 'Tries to log' }, (_, ctx) => {
    ctx.log.info('Only for clients that asked for logs')
    return 'logged'
  })
  mcp.tool('test_tool_with_progress', { description: 'Tells its progress' }, async (_, ctx) => {
    ctx.progress(0, 100)
    await pause(50)
    ctx.progress(50, 100)
    await pause(50)
    ctx.progress(100, 100)
    return 'Tool with progress executed successfully'
  })
  mcp.tool(
    'test_reconnection',
    { description: 'Closes the connection before it answers' },
    async (_, ctx) => {
      await ctx.disconnect(500)
      await pause(100)
      return 'Reconnection test completed'
    },
  )
  mcp.tool('test_trigger_tool_change', { description: 'Changes the tools' }, async (_, ctx) => {
    const added = mcp.tool('test_added_tool', { description: 'Comes and goes' }, () => 'here')
    await ctx.notify.toolsChanged()
    added.remove()
    return 'changed'
  })
  mcp.tool('test_trigger_prompt_change', { description: 'Changes the prompts' }, async (_, ctx) => {
    const added = mcp.prompt('test_added_prompt', { description: 'Comes and goes' }, () => 'here')
    await ctx.notify.promptsChanged()
    added.remove()
    return 'changed'
  })
}

function questions(mcp: Mcp): void {
  mcp.tool(
    'test_sampling',
    { description: 'Asks the model', input: v.object({ prompt: v.string() }) },
    async ({ prompt }, ctx) => `LLM response: ${await sampled(ctx, prompt, 100)}`,
  )
  mcp.tool(
    'test_elicitation',
    { description: 'Asks the person', input: v.object({ message: v.string() }) },
    async ({ message }, ctx) => {
      const form = v.object({ username: v.string(), email: v.string() })
      return `User response: ${JSON.stringify(await ctx.elicit(message, form))}`
    },
  )
  mcp.tool(
    'test_elicitation_sep1034_defaults',
    { description: 'Asks with defaults' },
    async (_, ctx) =>
      elicited(ctx, {
        name: { type: 'string', description: 'User name', default: 'John Doe' },
        age: { type: 'integer', description: 'User age', default: 30 },
        score: { type: 'number', description: 'User score', default: 95.5 },
        status: {
          type: 'string',
          description: 'User status',
          enum: ['active', 'inactive', 'pending'],
          default: 'active',
        },
        verified: { type: 'boolean', description: 'Verification status', default: true },
      }),
  )
  const titled = (values: string[], titles: string[]) =>
    values.map((value, i) => ({ const: value, title: titles[i] }))
  mcp.tool('test_elicitation_sep1330_enums', { description: 'Asks for choices' }, async (_, ctx) =>
    elicited(ctx, {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: {
        type: 'string',
        oneOf: titled(['value1', 'value2', 'value3'], ['First', 'Second', 'Third']),
      },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['One', 'Two', 'Three'],
      },
      untitledMulti: {
        type: 'array',
        items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      },
      titledMulti: {
        type: 'array',
        items: { anyOf: titled(['value1', 'value2', 'value3'], ['First', 'Second', 'Third']) },
      },
    }),
  )
  mcp.tool('test_missing_capability', { description: 'Needs sampling' }, async (_, ctx) =>
    sampled(ctx, 'Hello', 10),
  )
  mcp.tool('test_streaming_elicitation', { description: 'Asks on a stream' }, async (_, ctx) => {
    const answer = await ctx.elicit('Go on?', v.object({ confirm: v.boolean() }))
    return `Answered: ${answer.action}`
  })
}

const Name = v.object({ name: v.string() })

function rounds(mcp: Mcp): void {
  mcp.tool(
    'test_input_required_result_elicitation',
    { description: 'Asks for a name' },
    async (_, ctx) => `Hello, ${await nameOf(ctx)}!`,
  )
  mcp.tool('test_input_required_result_sampling', { description: 'Samples' }, async (_, ctx) =>
    sampled(ctx, 'What is the capital of France?', 100, 'capital_question'),
  )
  mcp.tool(
    'test_input_required_result_list_roots',
    { description: 'Lists roots' },
    async (_, ctx) => rootNames(ctx),
  )
  const confirmed = async (_: unknown, ctx: Context) => {
    await ctx.elicit('Sure?', v.object({ ok: v.boolean() }), { key: 'confirm' })
    return 'state-ok'
  }
  mcp.tool(
    'test_input_required_result_request_state',
    { description: 'Keeps state between rounds' },
    confirmed,
  )
  mcp.tool(
    'test_input_required_result_tampered_state',
    { description: 'Refuses a state that was changed' },
    confirmed,
  )
  mcp.tool(
    'test_input_required_result_multiple_inputs',
    { description: 'Asks three things at once' },
    async (_, ctx) => {
      const [name, greeting, roots] = await Promise.all([
        nameOf(ctx),
        sampled(ctx, 'Write a greeting', 50, 'greeting'),
        rootNames(ctx),
      ])
      return `${name}: ${greeting} (${roots})`
    },
  )
  mcp.tool(
    'test_input_required_result_multi_round',
    { description: 'Asks one thing after another' },
    async (_, ctx) => {
      const name = await ctx.elicit('Name?', Name, { key: 'step1' })
      const color = await ctx.elicit('Color?', v.object({ color: v.string() }), { key: 'step2' })
      return `${JSON.stringify(name)} ${JSON.stringify(color)}`
    },
  )
  mcp.tool(
    'test_input_required_result_capabilities',
    { description: 'Asks only for what the client can do' },
    async (_, ctx) => {
      const { elicitation, sampling } = ctx.request.capabilities
      const name = elicitation ? await nameOf(ctx) : 'stranger'
      return sampling ? sampled(ctx, `Greet ${name}`, 50, 'greeting') : `Hello, ${name}!`
    },
  )
}

function resources(mcp: Mcp): void {
  mcp.resource(
    'test://static-text',
    { name: 'static-text', description: 'Text that never changes', mimeType: 'text/plain' },
    () => 'This is the content of the static text resource.',
  )
  mcp.resource(
    'test://static-binary',
    { name: 'static-binary', description: 'An image', mimeType: 'image/png' },
    () => PNG,
  )
  mcp.resource(
    'test://watched-resource',
    { name: 'watched-resource', description: 'Can be subscribed to', mimeType: 'text/plain' },
    () => 'Watched',
  )
  mcp.resource(
    'test://template/{id}/data',
    { name: 'template', description: 'Data by id', mimeType: 'application/json' },
    ({ id }) => ({ id, templateTest: true, data: `Data for ID: ${id}` }),
  )
}

function prompts(mcp: Mcp): void {
  mcp.prompt(
    'test_simple_prompt',
    { description: 'A prompt without arguments' },
    () => 'This is a simple prompt for testing.',
  )
  mcp.prompt(
    'test_prompt_with_arguments',
    {
      description: 'A prompt with two arguments',
      input: v.object({
        arg1: v.pipe(v.string(), v.description('First')),
        arg2: v.pipe(v.string(), v.description('Second')),
      }),
      complete: {
        arg1: (typed) => ['paris', 'park', 'party'].filter((one) => one.startsWith(typed)),
      },
    },
    ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  )
  mcp.prompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'A prompt that carries a resource',
      input: v.object({ resourceUri: v.pipe(v.string(), v.description('URI')) }),
    },
    ({ resourceUri }) => [
      {
        role: 'user',
        content: embedded(resourceUri, 'Embedded resource content for testing.', 'text/plain'),
      },
      { role: 'user', content: text('Please process the embedded resource above.') },
    ],
  )
  mcp.prompt('test_prompt_with_image', { description: 'A prompt with an image' }, () => [
    { role: 'user', content: image(PNG) },
    { role: 'user', content: text('Please analyze the image above.') },
  ])
  mcp.prompt(
    'test_input_required_result_prompt',
    { description: 'A prompt that asks first' },
    async (_, ctx) => {
      const form = v.object({ context: v.string() })
      const answer = await ctx.elicit('What is this about?', form, { key: 'user_context' })
      return `Context: ${answer.action === 'accept' ? answer.content.context : 'none'}`
    },
  )
}

async function nameOf(ctx: Context): Promise<string> {
  const answer = await ctx.elicit('What is your name?', Name, { key: 'user_name' })
  return answer.action === 'accept' ? answer.content.name : 'stranger'
}

async function sampled(
  ctx: Context,
  prompt: string,
  maxTokens: number,
  key?: string,
): Promise<string> {
  const messages = [{ role: 'user' as const, content: { type: 'text', text: prompt } }]
  const { content: written } = await ctx.sample({ messages, maxTokens }, { ...(key && { key }) })
  return written.text
}

async function rootNames(ctx: Context): Promise<string> {
  const roots = await ctx.roots({ key: 'client_roots' })
  return roots.map(({ uri, name }) => name ?? uri).join(', ')
}

async function elicited(ctx: Context, properties: object): Promise<string> {
  const schema = { type: 'object', properties }
  const answer = await ctx.elicit('Please review', schema)
  const content = answer.action === 'accept' ? JSON.stringify(answer.content) : 'none'
  return `Elicitation completed: action=${answer.action}, content=${content}`
}
