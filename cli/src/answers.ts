/** How the client answers the questions of a server: not at all, by a rule, or through the person at the prompt. */

import type {
  ClientCapabilities,
  CreateMessageRequest,
  CreateMessageResult,
  ElicitRequest,
  ElicitResult,
} from '@modelcontextprotocol/client'
import type { OpenBrowser } from './browser.ts'
import type { Ask } from './form-dialog.ts'
import { fillIn } from './form-dialog.ts'
import type { FieldValue } from './forms.ts'
import { isObject, parseJson } from './json.ts'
import type { Output } from './output.ts'
import { exitCodes, Problem } from './problem.ts'
import { block, indented, text } from './text.ts'

export interface Responder {
  /** The capabilities that the client declares. The server must not ask for anything else. */
  readonly capabilities: ClientCapabilities
  elicit?(params: ElicitRequest['params'], signal: AbortSignal): Promise<ElicitResult>
  sample?(params: CreateMessageRequest['params'], signal: AbortSignal): Promise<CreateMessageResult>
}

/** Declares nothing, because a program without `--answer` cannot answer. */
export const noAnswers: Responder = { capabilities: {} }

/**
 * Answers as the command line says: `decline`, `defaults` (accept with the defaults of the form), or
 * a JSON object (accept with these values over the defaults). It never agrees to open a page.
 */
export function scripted(rule: string): Responder {
  const values = rule === 'defaults' || rule === 'decline' ? {} : parseValues(rule)
  return {
    capabilities: { elicitation: { form: { applyDefaults: true } } },
    async elicit(params) {
      if (rule === 'decline' || params.mode === 'url') return { action: 'decline' }
      const content: Record<string, FieldValue> = {}
      for (const [name, schema] of Object.entries(params.requestedSchema.properties)) {
        const value = Object.hasOwn(values, name) ? values[name] : schema.default
        if (value !== undefined) content[name] = value
      }
      const missing = params.requestedSchema.required?.filter(
        (name) => !Object.hasOwn(content, name),
      )
      return missing?.length ? { action: 'cancel' } : { action: 'accept', content }
    },
  }
}

function parseValues(rule: string): Record<string, FieldValue> {
  const values = parseJson(rule)
  if (isObject(values)) return values as Record<string, FieldValue>
  throw new Problem(`--answer takes "decline", "defaults" or a JSON object, not "${rule}".`, {
    exit: exitCodes.usage,
  })
}

export interface InteractiveOptions {
  readonly ask: Ask
  readonly output: Output
  readonly openBrowser: OpenBrowser
}

/** Asks at the terminal, one question after another, even when the server asks several at once. */
export function interactive({ ask, output, openBrowser }: InteractiveOptions): Responder {
  let last: Promise<unknown> = Promise.resolve()
  const queued = <T>(body: () => Promise<T>): Promise<T> => {
    const mine = last.then(body, body)
    last = mine.catch(() => {})
    return mine
  }

  async function fillForm(
    { requestedSchema }: Exclude<ElicitRequest['params'], { mode: 'url' }>,
    signal: AbortSignal,
  ): Promise<ElicitResult> {
    if (Object.keys(requestedSchema.properties).length === 0) {
      const yes = await agrees(text`  Accept? [y/n] `, signal)
      return yes ? { action: 'accept', content: {} } : { action: 'decline' }
    }
    output.note(output.style('dim', '  (/decline refuses, /cancel dismisses)'))
    return fillIn(requestedSchema, { ask, output }, signal)
  }

  async function openPage(page: string, signal: AbortSignal): Promise<ElicitResult> {
    // The address comes from the server and may be a trap. So it is shown in full, and opened only after a yes.
    if (!URL.canParse(page)) return { action: 'decline' }
    const url = new URL(page)
    output.note(text`  ${url.href}`)
    if (!(await agrees(text`  Open ${url.host} in the browser? [y/n] `, signal))) {
      return { action: 'decline' }
    }
    if (!(await openBrowser(url))) output.note(text`  Open the address above in a browser.`)
    return { action: 'accept' }
  }

  async function agrees(question: Parameters<Ask>[0], signal: AbortSignal): Promise<boolean> {
    return /^y(es)?$/i.test((await ask(question, signal)).trim())
  }

  return {
    capabilities: { elicitation: { form: { applyDefaults: true }, url: {} }, sampling: {} },
    elicit: (params, signal) =>
      queued(async () => {
        output.note(output.style('bold', text`? ${params.message}`))
        return params.mode === 'url' ? openPage(params.url, signal) : fillForm(params, signal)
      }),
    sample: (params, signal) =>
      queued(async () => {
        output.note(
          output.style(
            'bold',
            '? The server asks for a model. Answer for it; an empty line refuses.',
          ),
        )
        if (params.systemPrompt !== undefined) {
          output.note(indented(text`system: ${block(params.systemPrompt)}`, '  '))
        }
        for (const { role, content } of params.messages) {
          for (const one of [content].flat()) {
            const said = one.type === 'text' ? block(one.text) : text`[${one.type}]`
            output.note(indented(text`${role}: ${said}`, '  '))
          }
        }
        const answer = (await ask(text`  assistant: `, signal)).trim()
        if (answer === '') throw new Error('The user refused to answer for a model.')
        return { role: 'assistant', model: 'person', content: { type: 'text', text: answer } }
      }),
  }
}
