/** The server of the behaviour suite: a tool, a prompt or a resource for each kind of behaviour. */
import * as v from 'valibot'
import type { Context, Mcp, McpOptions } from '../../src/index.ts'
import {
  audio,
  createMcp,
  embedded,
  failure,
  image,
  LEGACY_REVISIONS,
  resourceLink,
  text,
} from '../../src/index.ts'
import { PNG, WAV } from './media.ts'

/**
 * Creates the server. It keeps state only in the store, so that several instances behave as one.
 */
export function createBehaviourServer(options: Partial<McpOptions> = {}): Mcp {
  const mcp = createMcp({
    name: 'behaviour',
    version: '1.0.0',
    title: 'The server of the behaviour suite',
    description: 'What a client can see a server do',
    websiteUrl: 'https://example.com/behaviour',
    icons: [ICON],
    instructions: 'Do as the tests say.',
    ...options,
  })
  results(mcp)
  failures(mcp)
  streams(mcp)
  questions(mcp)
  state(mcp)
  prompts(mcp)
  resources(mcp)
  if (options.tools === 'search') hidden(mcp)
  return mcp
}

/** Exists for clients that can show a form. */
function hidden(mcp: Mcp): void {
  mcp.tool(
    'fill_in',
    { description: 'Shows a form', visible: ({ capabilities }) => !!capabilities.elicitation },
    () => 'Filled in',
  )
}

const ICON = { src: 'https://example.com/icon.png', mimeType: 'image/png', sizes: ['48x48'] }

function results(mcp: Mcp): void {
  mcp.tool(
    'echo',
    {
      title: 'Echo',
      description: 'Says what it is told',
      input: v.object({ text: v.string() }),
      annotations: { readOnlyHint: true, openWorldHint: false },
      icons: [ICON],
      _meta: { 'example.com/kind': 'plain' },
    },
    (args) => args.text,
  )
  mcp.tool(
    'add',
    {
      description: 'Adds two numbers',
      input: v.object({ a: v.number(), b: v.number() }),
      output: v.object({ sum: v.number() }),
    },
    ({ a, b }) => ({ sum: a + b }),
  )
  mcp.tool(
    'range',
    {
      description: 'The first whole numbers: structured, and no object',
      input: v.object({ count: v.pipe(v.number(), v.integer(), v.maxValue(100)) }),
      output: v.array(v.number()),
    },
    ({ count }) => Array.from({ length: count }, (_, i) => i),
  )
  mcp.tool('everything', { description: 'One content block of each type' }, () => ({
    content: [
      text('words', { audience: ['user'], priority: 0.5 }),
      image(PNG),
      audio(WAV),
      resourceLink('test://text', 'a link', { mimeType: 'text/plain' }),
      embedded('test://embedded', 'inside', 'text/plain'),
    ],
    _meta: { 'example.com/seen': true },
  }))
  mcp.tool(
    'date',
    { description: 'A value that writes itself as a JSON string' },
    () => new Date(0),
  )
  mcp.tool('nothing', { description: 'Returns nothing' }, () => undefined)
  mcp.tool(
    'whoami',
    { description: 'What a handler is told about the request it runs for' },
    (_, { request: { era, revision, client, capabilities, trace, headers } }) => ({
      era,
      revision,
      client,
      capabilities,
      trace,
      credentials: ['authorization', 'cookie'].filter((name) => headers.has(name)),
    }),
  )
  mcp.tool(
    'report',
    {
      description: 'Takes arguments that travel as headers too',
      input: v.object({
        region: v.optional(v.nullable(v.string())),
        days: v.optional(v.pipe(v.number(), v.integer())),
        full: v.optional(v.boolean()),
      }),
      headers: { days: 'Days', full: 'Full' },
    },
    (args) => args,
  )
  mcp.tool(
    'locate',
    {
      description: 'Takes one argument that travels as a header too',
      input: {
        type: 'object',
        properties: {
          place: {
            type: 'object',
            properties: { city: { type: 'string', 'x-mcp-header': 'City' } },
          },
        },
      },
    },
    (args) => args,
  )
}

function failures(mcp: Mcp): void {
  mcp.tool('fail', { description: 'Fails in words for the model' }, () =>
    failure('The oven is cold'),
  )
  mcp.tool('crash', { description: 'Throws what no one may see' }, () => {
    throw new Error('password=hunter2 at /srv/secret.ts')
  })
  mcp.tool(
    'lie',
    { description: 'Breaks its own output schema', output: v.object({ sum: v.number() }) },
    () => ({ sum: 'three' as unknown as number }),
  )
  mcp.tool(
    'hang',
    { description: 'Never returns, and is given 100 ms', timeout: 100 },
    () => new Promise<never>(() => {}),
  )
  mcp.tool(
    'babble',
    { description: 'Goes on talking after it has returned', session: true },
    (_, ctx) => {
      const later = async () => {
        await pause(20)
        ctx.progress(1)
        ctx.log.emergency('after the end')
        await ctx.elicit('Still there?', v.object({})).catch(() => {})
        await ctx.session.set('babbled', true)
      }
      return ctx.session.set('babbled', false).then(() => {
        void later()
        return 'said it all'
      })
    },
  )
}

function streams(mcp: Mcp): void {
  mcp.tool(
    'count',
    {
      description: 'Counts, one progress notification a number',
      input: v.object({ to: v.number(), everyMs: v.optional(v.number(), 0) }),
    },
    async ({ to, everyMs }, ctx) => {
      for (let i = 1; i <= to; i++) {
        ctx.progress(i, to, `number ${i}`)
        if (everyMs > 0) await pause(everyMs, ctx.signal)
      }
      ctx.progress(to - 1, to) // not more than before, so it is not sent
      return `counted to ${to}`
    },
  )
  mcp.tool('shout', { description: 'Logs once at each level' }, (_, { log }) => {
    for (const level of Object.keys(log) as (keyof typeof log)[]) log[level](`at ${level}`, 'shout')
    return 'logged'
  })
  mcp.tool(
    'hold',
    {
      description: 'Says that it has begun, waits until a value is set, says so, and returns it',
      input: v.object({ until: v.string() }),
      session: true,
    },
    async ({ until }, ctx) => {
      ctx.progress(1)
      try {
        const value = await settled(ctx, until)
        ctx.progress(2)
        return `${until} is ${JSON.stringify(value)}`
      } catch (error) {
        await ctx.session.set(`${until} was`, ctx.signal.aborted ? 'aborted' : 'broken')
        throw error
      }
    },
  )
  mcp.tool(
    'detach',
    {
      description: 'Closes the connection, waits until a value is set, and returns it',
      input: v.object({ until: v.string(), retryMs: v.number() }),
      session: true,
    },
    async ({ until, retryMs }, ctx) => {
      ctx.progress(1)
      await ctx.disconnect(retryMs)
      const value = await settled(ctx, until)
      ctx.progress(2)
      return `${until} is ${JSON.stringify(value)}`
    },
  )
  mcp.tool(
    'announce',
    {
      description: 'Tells all listeners that something changed',
      input: v.object({
        what: v.picklist(['tools', 'prompts', 'resources', 'resource']),
        uri: v.optional(v.string(), 'test://text'),
      }),
    },
    async ({ what, uri }, { notify }) => {
      if (what === 'resource') await notify.resourceUpdated(uri)
      else await notify[`${what}Changed`]()
      return 'announced'
    },
  )
}

const Name = v.object({ name: v.pipe(v.string(), v.minLength(1)) })

function questions(mcp: Mcp): void {
  mcp.tool('greet_person', { description: 'Asks for a name by form' }, async (_, ctx) => {
    const answer = await ctx.elicit('What is your name?', Name)
    return answer.action === 'accept' ? `Hello, ${answer.content.name}!` : answer.action
  })
  mcp.tool('sign_in', { description: 'Sends the person to a URL' }, async (_, ctx) => {
    const { action } = await ctx.elicitUrl('Please sign in', 'https://example.com/sign-in')
    return action
  })
  mcp.tool('write', { description: "Has the client's model write" }, async (_, ctx) => {
    const { content, model } = await ctx.sample({
      messages: [{ role: 'user', content: { type: 'text', text: 'A haiku, please' } }],
      maxTokens: 50,
    })
    return `${model}: ${content.text}`
  })
  mcp.tool('use_tools', { description: 'Samples with tools' }, async (_, ctx) => {
    const { model } = await ctx.sample({ messages: [], maxTokens: 1, tools: [{ name: 'x' }] })
    return model
  })
  mcp.tool('places', { description: 'Lists the roots of the client' }, async (_, ctx) => {
    return (await ctx.roots()).map(({ uri }) => uri).join(' ')
  })
  mcp.tool('three_at_once', { description: 'Asks three things at once' }, async (_, ctx) => {
    const [person, written, places] = await Promise.all([
      ctx.elicit('Who?', Name),
      ctx.sample({ messages: [], maxTokens: 10 }),
      ctx.roots(),
    ])
    const name = person.action === 'accept' ? person.content.name : person.action
    return `${name} / ${written.content.text} / ${places.length}`
  })
  mcp.tool(
    'order',
    {
      description: 'Asks twice, with an effect that happens once and one that happens each run',
      input: v.object({ item: v.string() }),
      session: true,
    },
    async ({ item }, ctx) => {
      await ctx.session.update<number>('runs', (n = 0) => n + 1)
      const number = await ctx.step('reserve', async () =>
        ctx.session.update<number>('reserved', (n = 0) => n + 1),
      )
      const sure = await ctx.elicit(`Order ${item}?`, v.object({ sure: v.boolean() }), {
        key: 'sure',
      })
      if (sure.action !== 'accept' || !sure.content.sure) return 'not ordered'
      const where = await ctx.elicit('Where to?', v.object({ city: v.string() }), { key: 'where' })
      if (where.action !== 'accept') return 'not ordered'
      return `order ${number}: ${item} to ${where.content.city}`
    },
  )
  mcp.tool('forget', { description: 'Asks, and does not wait for the answer' }, (_, ctx) => {
    void ctx.elicit('Anybody?', Name)
    return 'did not wait'
  })
  mcp.tool('insist', { description: 'Asks, and catches whatever comes' }, async (_, ctx) => {
    try {
      await ctx.elicit('Anybody?', Name)
      return 'answered'
    } catch {
      return 'caught'
    }
  })
}

function state(mcp: Mcp): void {
  const key = v.object({ key: v.string() })
  mcp.tool(
    'remember',
    {
      description: 'Keeps a value for this conversation',
      input: v.object({ key: v.string(), value: v.any() }),
      session: true,
    },
    async (args, ctx) => {
      await ctx.session.set(args.key, args.value ?? null)
      return 'kept'
    },
  )
  mcp.tool(
    'recall',
    { description: 'A value of this conversation', input: key, session: true },
    async (args, ctx) => ({ value: (await ctx.session.get(args.key)) ?? null }),
  )
  mcp.tool(
    'drop',
    { description: 'Deletes a value of this conversation', input: key, session: true },
    async (args, ctx) => ({ existed: await ctx.session.delete(args.key) }),
  )
  mcp.tool(
    'increment',
    { description: 'Adds one to a value of this conversation', input: key, session: true },
    async (args, ctx) => ({
      value: await ctx.session.update<number>(args.key, (n = 0) => n + 1),
    }),
  )
}

const NAMES = ['Ada', 'Alan', 'Barbara', 'Edsger', 'Grace']

function prompts(mcp: Mcp): void {
  const startingWith = (value: string) => NAMES.filter((name) => name.startsWith(value))
  mcp.prompt('plain', { description: 'No arguments', title: 'Plain', icons: [ICON] }, () => 'Hi.')
  mcp.prompt(
    'introduce',
    {
      description: 'Introduces a person',
      input: v.object({
        name: v.pipe(v.string(), v.description('Who')),
        tone: v.optional(v.string()),
      }),
      complete: {
        name: startingWith,
        tone: (value, { arguments: { name } }) =>
          [`warm to ${name}`, `cold to ${name}`].filter((tone) => tone.startsWith(value)),
      },
    },
    ({ name, tone }) => `Introduce ${name}${tone ? ` (${tone})` : ''}.`,
  )
  mcp.prompt('linked', { description: 'Holds a link to a resource' }, () => [
    { role: 'user', content: resourceLink('test://text', 'a link') },
  ])
  mcp.prompt(
    'many',
    {
      description: 'Has an argument with many values',
      input: v.object({ number: v.string() }),
      complete: { number: () => Array.from({ length: 250 }, (_, i) => `${i}`) },
    },
    ({ number }) => number,
  )
  mcp.prompt('interview', { description: 'Asks before it answers' }, async (_, ctx) => {
    const answer = await ctx.elicit('Whom?', Name)
    return answer.action === 'accept' ? `Interview ${answer.content.name}.` : 'Interview no one.'
  })
}

function resources(mcp: Mcp): void {
  mcp.resource(
    'test://text',
    {
      name: 'text',
      title: 'Some text',
      description: 'Plain text',
      mimeType: 'text/plain',
      annotations: { priority: 1 },
      size: 5,
      icons: [ICON],
    },
    () => 'words',
  )
  mcp.resource('test://bytes', { name: 'bytes', mimeType: 'image/png' }, () => PNG)
  mcp.resource('test://json', { name: 'json' }, () => ({ revisions: LEGACY_REVISIONS.length }))
  mcp.resource('test://gone', { name: 'gone' }, () => undefined)
  mcp.resource('test://broken', { name: 'broken' }, () => {
    throw new Error('password=hunter2')
  })
  mcp.resource('test://asking', { name: 'asking' }, async (_, ctx) => {
    const answer = await ctx.elicit('Who reads?', Name)
    return answer.action === 'accept' ? `for ${answer.content.name}` : 'for no one'
  })
  mcp.resource(
    'test://users/{id}/notes/{note}',
    {
      name: 'note',
      title: 'A note',
      mimeType: 'text/plain',
      complete: { id: (value) => NAMES.filter((name) => name.startsWith(value)) },
    },
    ({ id, note }, { uri }) => (id === 'nobody' ? undefined : `${id} wrote ${note} at ${uri}`),
  )
}

/** Waits until the conversation has a value for the key, which any instance may set. Throws when the call ends. */
async function settled(ctx: Context, key: string): Promise<unknown> {
  for (;;) {
    const value = await ctx.session.get(key)
    if (value !== undefined) return value
    await pause(10, ctx.signal)
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
  })
}
