/** Results of the server as text for a person. Whatever comes from the server goes through `printable`. */

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
import type { Output } from './output.ts'
import { printable, table } from './output.ts'

export function toolsText(tools: readonly Tool[], output: Output): string {
  if (tools.length === 0) return 'The server has no tools.'
  return tools
    .map((tool) => {
      const head = output.style('bold', printable(tool.name))
      const lines = [`${head}: ${printable(tool.description ?? tool.title ?? '')}`]
      const parameters = parametersOf(tool)
      if (parameters.length > 0) lines.push(table(parameters, '    '))
      return lines.join('\n')
    })
    .join('\n')
}

/** Name, type and description of each argument, the required ones marked by an asterisk. */
function parametersOf(tool: Tool): [string, string][] {
  const properties = (tool.inputSchema.properties ?? {}) as Record<string, Record<string, unknown>>
  return Object.entries(properties).map(([name, schema]) => {
    const mark = tool.inputSchema.required?.includes(name) ? '*' : ''
    const type = Array.isArray(schema.enum) ? schema.enum.join('|') : (schema.type ?? 'any')
    const { description } = schema
    const about = typeof description === 'string' ? ` ${description}` : ''
    return [printable(name + mark), printable(`${type}${about}`)]
  })
}

export function promptsText(prompts: readonly Prompt[], output: Output): string {
  if (prompts.length === 0) return 'The server has no prompts.'
  return prompts
    .map(({ name, title, description, arguments: parameters = [] }) => {
      const head = output.style('bold', printable(name))
      const signature = parameters.map((one) => (one.required ? one.name : `[${one.name}]`))
      return `${head} ${printable(signature.join(' '))}: ${printable(description ?? title ?? '')}`
    })
    .join('\n')
}

export function resourcesText(resources: readonly Resource[], output: Output): string {
  if (resources.length === 0) return 'The server has no resources.'
  return resources
    .map(({ name, uri, mimeType }) => {
      const type = mimeType === undefined ? '' : ` (${printable(mimeType)})`
      return `${output.style('bold', printable(name))}: ${printable(uri)}${type}`
    })
    .join('\n')
}

export function templatesText(templates: readonly ResourceTemplateType[], output: Output): string {
  if (templates.length === 0) return 'The server has no resource templates.'
  return templates
    .map(({ name, uriTemplate }) => {
      return `${output.style('bold', printable(name))}: ${printable(uriTemplate)}`
    })
    .join('\n')
}

export function toolResultText(result: CallToolResult, output: Output): string {
  const blocks = result.content.map((block) => contentText(block))
  // A server repeats structured content as text for clients of 2025; then it is shown once.
  if (blocks.length === 0 && result.structuredContent !== undefined) {
    blocks.push(printable(JSON.stringify(result.structuredContent, undefined, 2)))
  }
  const text = blocks.join('\n')
  return result.isError ? `${output.style('red', 'The tool failed:')} ${text}` : text
}

export function promptText(result: GetPromptResult, output: Output): string {
  return result.messages
    .map(({ role, content }) => `${output.style('bold', role)}: ${contentText(content)}`)
    .join('\n')
}

export function resourceText(result: ReadResourceResult): string {
  return result.contents
    .map((content) =>
      'text' in content
        ? printable(content.text)
        : `[${printable(content.mimeType ?? 'binary')}, ${size(content.blob)}]`,
    )
    .join('\n')
}

function contentText(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return printable(block.text)
    case 'image':
    case 'audio':
      return `[${block.type} ${printable(block.mimeType)}, ${size(block.data)}; --save <folder> keeps it]`
    case 'resource':
      return resourceText({ contents: [block.resource] })
    case 'resource_link':
      return `${printable(block.name)}: ${printable(block.uri)}`
  }
}

function size(base64: string): string {
  const bytes = Math.floor((base64.replace(/=+$/, '').length * 3) / 4)
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KiB`
}

/** A notification as one line; nothing for those that only the library needs. */
export function notificationText(
  method: string,
  params: Record<string, unknown>,
  output: Output,
): string | undefined {
  switch (method) {
    case 'notifications/message': {
      const { level, logger, data } = params
      const from = typeof logger === 'string' ? ` ${logger}` : ''
      const text = typeof data === 'string' ? data : JSON.stringify(data)
      return `${output.style('cyan', printable(`[${level}${from}]`))} ${printable(text)}`
    }
    case 'notifications/tools/list_changed':
      return output.style('cyan', 'The tools of the server have changed.')
    case 'notifications/prompts/list_changed':
      return output.style('cyan', 'The prompts of the server have changed.')
    case 'notifications/resources/list_changed':
      return output.style('cyan', 'The resources of the server have changed.')
    case 'notifications/resources/updated':
      return output.style('cyan', `Updated: ${printable(String(params.uri))}`)
    case 'notifications/elicitation/complete':
      return output.style('cyan', 'The page that the server asked you to visit is done.')
    default:
      return undefined
  }
}
