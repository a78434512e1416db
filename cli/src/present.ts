/** Turns results of the server into text for a person. */

import type {
  CallToolResult,
  ContentBlock,
  GetPromptResult,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplateType,
  Tool,
} from '@modelcontextprotocol/client'
import type { Output, Style } from './output.ts'
import type { Text } from './text.ts'
import { block, joined, jsonText, table, text } from './text.ts'

export function toolsText(tools: readonly Tool[], output: Output): Text {
  if (tools.length === 0) return text`The server has no tools.`
  return joined(
    tools.map((tool) => {
      const about = text`${output.style('bold', tool.name)}: ${tool.description ?? tool.title ?? ''}`
      const parameters = parametersOf(tool)
      const shown = output.wrap(about, '    ')
      if (parameters.length === 0) return shown
      return joined([shown, output.wrap(table(parameters, '    '), '        ')])
    }),
  )
}

/** Returns name, type and description of each argument, with an asterisk for required ones. */
function parametersOf(tool: Tool): [string, string, string][] {
  const properties = (tool.inputSchema.properties ?? {}) as Record<string, Record<string, unknown>>
  return Object.entries(properties).map(([name, schema]) => {
    const mark = tool.inputSchema.required?.includes(name) ? '*' : ''
    const type = Array.isArray(schema.enum) ? schema.enum.join('|') : (schema.type ?? 'any')
    const { description } = schema
    return [name + mark, String(type), typeof description === 'string' ? description : '']
  })
}

export function promptsText(prompts: readonly Prompt[], output: Output): Text {
  if (prompts.length === 0) return text`The server has no prompts.`
  return joined(
    prompts.map(({ name, title, description, arguments: parameters = [] }) => {
      const signature = parameters.map((one) => (one.required ? one.name : `[${one.name}]`))
      const about = text`${signature.join(' ')}: ${description ?? title ?? ''}`
      return output.wrap(text`${output.style('bold', name)} ${about}`, '    ')
    }),
  )
}

export function resourcesText(resources: readonly Resource[], output: Output): Text {
  if (resources.length === 0) return text`The server has no resources.`
  return joined(
    resources.map(({ name, uri, mimeType }) => {
      const type = mimeType === undefined ? '' : ` (${mimeType})`
      return text`${output.style('bold', name)}: ${uri}${type}`
    }),
  )
}

export function templatesText(templates: readonly ResourceTemplateType[], output: Output): Text {
  if (templates.length === 0) return text`The server has no resource templates.`
  return joined(
    templates.map(({ name, uriTemplate }) => text`${output.style('bold', name)}: ${uriTemplate}`),
  )
}

export function toolResultText(result: CallToolResult, output: Output): Text {
  const blocks = result.content.map((one) => contentText(one))
  // Servers repeat structured content as text for clients of 2025, so it is shown only once.
  if (blocks.length === 0 && result.structuredContent !== undefined) {
    blocks.push(jsonText(result.structuredContent))
  }
  const all = joined(blocks)
  return result.isError ? text`${output.style('red', 'The tool failed:')} ${all}` : all
}

export function promptText(result: GetPromptResult, output: Output): Text {
  return joined(
    result.messages.map(
      ({ role, content }) => text`${output.style('bold', role)}: ${contentText(content)}`,
    ),
  )
}

export function resourceText(result: ReadResourceResult): Text {
  return joined(
    result.contents.map((content) =>
      'text' in content
        ? block(content.text)
        : text`[${content.mimeType ?? 'binary'}, ${size(content.blob)}]`,
    ),
  )
}

function contentText(content: ContentBlock): Text {
  switch (content.type) {
    case 'text':
      return block(content.text)
    case 'image':
    case 'audio':
      return text`[${content.type} ${content.mimeType}, ${size(content.data)}; --save <folder> keeps it]`
    case 'resource':
      return resourceText({ contents: [content.resource] })
    case 'resource_link':
      return text`${content.name}: ${content.uri}`
  }
}

function size(base64: string): string {
  const bytes = Math.floor((base64.replace(/=+$/, '').length * 3) / 4)
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KiB`
}

const LEVEL_STYLES: Readonly<Record<string, Style>> = {
  debug: 'dim',
  info: 'cyan',
  notice: 'cyan',
  warning: 'yellow',
}

/** Returns a log message as one line; at a terminal with its time, and with each field of an object. */
function logText(params: Record<string, unknown>, output: Output, now: Date): Text {
  const { level, logger, data } = params
  const from = typeof logger === 'string' ? ` ${logger}` : ''
  const style = LEVEL_STYLES[String(level)] ?? 'red'
  const mark = output.style(style, `[${level}${from}]`)
  const time = output.live ? text`${output.style('dim', now.toTimeString().slice(0, 8))} ` : text``
  return text`${time}${mark} ${dataText(data, output)}`
}

function dataText(data: unknown, output: Output): Text {
  if (typeof data === 'string') return text`${data}`
  if (!output.live || typeof data !== 'object' || data === null || Array.isArray(data)) {
    return jsonText(data, 0)
  }
  const fields = Object.entries(data).map(([name, value]) => {
    const shown = typeof value === 'string' ? text`${value}` : jsonText(value, 0)
    return text`${output.style('dim', `${name}=`)}${shown}`
  })
  return joined(fields, ' ')
}

/** Returns a notification as one line; undefined for notifications that only the library needs. */
export function notificationText(
  method: string,
  params: Record<string, unknown>,
  output: Output,
  now = new Date(),
): Text | undefined {
  switch (method) {
    case 'notifications/message':
      return logText(params, output, now)
    case 'notifications/tools/list_changed':
      return output.style('cyan', 'The tools of the server have changed.')
    case 'notifications/prompts/list_changed':
      return output.style('cyan', 'The prompts of the server have changed.')
    case 'notifications/resources/list_changed':
      return output.style('cyan', 'The resources of the server have changed.')
    case 'notifications/resources/updated':
      return output.style('cyan', `Updated: ${params.uri}`)
    case 'notifications/elicitation/complete':
      return output.style('cyan', 'The page that the server asked you to visit is done.')
    default:
      return undefined
  }
}
