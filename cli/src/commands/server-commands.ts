/** Commands that ask the connected server: tools, prompts, resources, ping. */

import { UriTemplate } from '@modelcontextprotocol/client'
import { readArguments } from '../arguments.ts'
import { templateVariables } from '../completion.ts'
import { askForTexts } from '../missing-arguments.ts'
import type { List } from '../operations.ts'
import { getPrompt, LISTS, list, readResource } from '../operations.ts'
import { exitCodes, Problem } from '../problem.ts'
import { oneOf } from '../settings.ts'
import { text } from '../text.ts'
import { callTool } from '../tool-call.ts'
import type { Command, Invocation, Outcome } from './command.ts'
import { wrongUsage } from './command.ts'
import { repeatedly } from './watch.ts'

const lister = (name: string, alias: string, what: List, summary: string): Command => ({
  names: [name, alias],
  usage: '[--watch]',
  summary,
  needs: 'server',
  run: (invocation) =>
    repeatedly(
      invocation,
      `notifications/${what === 'templates' ? 'resources' : what}/list_changed`,
      (operation) => list(operation, what),
    ),
})

const listTools: Command = {
  ...lister('list-tools', 'list', 'tools', 'what the server can do'),
  usage: `[${LISTS.join(' | ')}] [--watch]`,
  notes: ['--watch prints the list again whenever the server says that it has changed.'],
  run: (invocation) => {
    const what = oneOf(LISTS, invocation.words[0] ?? 'tools', 'list')
    const topic = what === 'templates' ? 'resources' : what
    return repeatedly(invocation, `notifications/${topic}/list_changed`, (operation) =>
      list(operation, what),
    )
  },
}

const call: Command = {
  names: ['call-tool', 'call'],
  usage: '<name> [{json} | name=value …] [--save <folder>] [--detach]',
  summary: 'call a tool and print its result',
  notes: [
    'Arguments are one JSON object, or words: name=value is typed by the schema of the tool, and',
    'name:=json is JSON. @file and - (standard input) hold the whole object; name=@file and',
    'name:=@file take one value from a file. At a terminal missing arguments are asked for.',
    '--watch calls again every 2 seconds, or every --interval <seconds>.',
    'A call that becomes a task is followed to its result, and Ctrl+C cancels it. --detach prints the',
    'id of the task and does not wait.',
  ],
  needs: 'server',
  run: async (invocation) => {
    const [name, ...input] = invocation.words
    if (name === undefined) throw wrongUsage(call)
    return repeatedly(invocation, undefined, (operation) => callTool(operation, { name, input }))
  },
}

const greeter = (name: string): Command => ({
  names: [name],
  usage: '[name]',
  summary: `call the tool ${name}`,
  needs: 'server',
  run: ({ context, signal, words, view }) =>
    callTool(context.operation(signal, { view }), {
      name,
      input: { name: words.join(' ') || 'MCP User' },
    }),
})

const bedrockReport: Command = {
  names: ['bedrock-report'],
  usage: '[region log_group days [account]]',
  summary: 'what Amazon Bedrock was used for',
  needs: 'server',
  run: async ({ context, signal, words, view, options }) => {
    const given = words.length === 0 ? ['us-east-1', '/aws/bedrock/modelinvocations', '1'] : words
    const [region, log_group_name, days = '', aws_account_id] = given
    if (given.length < 3 || given.length > 4) throw wrongUsage(bedrockReport)
    if (!/^[1-9]\d*$/.test(days)) {
      throw new Problem('The number of days must be a whole number above 0.', {
        exit: exitCodes.usage,
      })
    }
    const account = aws_account_id === undefined ? {} : { aws_account_id }
    return callTool(context.operation(signal, { view, save: options.save }), {
      name: 'get_bedrock_usage_report',
      input: { region, log_group_name, days: Number(days), ...account },
    })
  },
}

const prompt: Command = {
  names: ['get-prompt', 'prompt'],
  usage: '<name> [name=value …]',
  summary: 'print a prompt, filled in',
  needs: 'server',
  run: async ({ context, signal, words, view }) => {
    const [name, ...input] = words
    if (name === undefined) throw wrongUsage(prompt)
    return getPrompt(context.operation(signal, { view }), name, input)
  },
}

const read: Command = {
  names: ['read-resource', 'read'],
  usage: '<uri> [--save <folder>] [--watch]',
  summary: 'print a resource',
  notes: ['--watch prints it again whenever the server says that it has changed.'],
  needs: 'server',
  run: async (invocation) => {
    const [uri] = invocation.words
    if (uri === undefined) throw wrongUsage(read)
    if (invocation.options.watch) await invocation.context.connection.watch(uri, invocation.signal)
    return repeatedly(invocation, 'notifications/resources/updated', (operation) =>
      readResource(operation, uri),
    )
  },
}

const readTemplate: Command = {
  names: ['read-template', 'template'],
  usage: '<template> name=value …',
  summary: 'print a resource of a template',
  needs: 'server',
  run: async ({ context, signal, words, view, options }) => {
    const [template, ...input] = words
    if (template === undefined) throw wrongUsage(readTemplate)
    const operation = context.operation(signal, { view, save: options.save })
    const given = await readArguments(input, undefined, operation)
    const missing = templateVariables(template).filter((name) => !Object.hasOwn(given, name))
    const values = Object.entries({ ...given, ...(await askForTexts(missing, operation)) })
    const uri = new UriTemplate(template).expand(
      Object.fromEntries(values.map(([name, value]) => [name, String(value)])),
    )
    return readResource(operation, uri)
  },
}

const ping: Command = {
  names: ['ping'],
  usage: '',
  summary: 'see whether the server answers',
  needs: 'server',
  run: async ({ context, signal, view }) => {
    const started = performance.now()
    await context.connection.run(signal, (client) => {
      // 2026-07-28 has no ping, so ask what the server can do, which costs it as little.
      const modern = client.getProtocolEra() === 'modern'
      return modern ? client.discover({ signal }) : client.ping({ signal })
    })
    const milliseconds = Math.round(performance.now() - started)
    const render = () => text`The server answered after ${milliseconds} ms.`
    context.output.result({ milliseconds }, render, view)
  },
}

/** On the command line it prints until Ctrl+C; at the prompt the updates appear above the line of input. */
const subscribe: Command = {
  names: ['subscribe', 'watch-resource'],
  usage: '<uri>',
  summary: 'be told when a resource changes',
  needs: 'server',
  run: async (invocation: Invocation): Promise<Outcome> => {
    const { context, signal, words } = invocation
    const [uri] = words
    if (uri === undefined) throw wrongUsage(subscribe)
    await context.connection.watch(uri, signal)
    context.output.note(text`Watching ${uri}.`)
    if (context.interactive) return undefined
    return new Promise((_resolve, reject) => {
      const stop = (): void => reject(new Problem('Cancelled.', { exit: exitCodes.interrupted }))
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop, { once: true })
    })
  },
}

const unsubscribe: Command = {
  names: ['unsubscribe'],
  usage: '<uri>',
  summary: 'no longer be told',
  needs: 'session',
  run: async ({ context, signal, words }) => {
    const [uri] = words
    if (uri === undefined) throw wrongUsage(unsubscribe)
    await context.connection.unwatch(uri, signal)
    context.output.print(text`No longer watching ${uri}.`)
  },
}

export const SERVER_COMMANDS: readonly Command[] = [
  listTools,
  call,
  greeter('greet'),
  greeter('multi-greet'),
  bedrockReport,
  lister('list-prompts', 'prompts', 'prompts', 'the prompts of the server'),
  prompt,
  lister('list-resources', 'resources', 'resources', 'the resources of the server'),
  lister('list-templates', 'templates', 'templates', 'its resource templates'),
  read,
  readTemplate,
  subscribe,
  unsubscribe,
  ping,
]
