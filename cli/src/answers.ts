/** Who answers when a server asks: noAnswers, a rule given on the command line, or the person at the prompt. */

import type {
  ClientCapabilities,
  CreateMessageRequest,
  CreateMessageResult,
  ElicitRequest,
  ElicitResult,
} from '@modelcontextprotocol/client'
import type { OpenBrowser } from './browser.ts'
import type { FieldValue } from './forms.ts'
import { describeField, fieldHint, parseField } from './forms.ts'
import type { Output } from './output.ts'
import { printable } from './output.ts'
import { exitCodes, Problem } from './problem.ts'

export interface Responder {
  /** What is declared to the server; it must not ask for anything else. */
  readonly capabilities: ClientCapabilities
  elicit?(params: ElicitRequest['params'], signal: AbortSignal): Promise<ElicitResult>
  sample?(params: CreateMessageRequest['params'], signal: AbortSignal): Promise<CreateMessageResult>
}

/** One line from the person at the terminal. */
export type Ask = (question: string, signal: AbortSignal) => Promise<string>

type Form = Exclude<ElicitRequest['params'], { mode: 'url' }>['requestedSchema']

/** Declares nothing: a script without `--answer` has nobody to ask. */
export const noAnswers: Responder = { capabilities: {} }

/**
 * `decline`, `defaults` (accept with the defaults of the form), or a JSON object (accept with these
 * values over the defaults). A page is never visited on behalf of a rule.
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
  try {
    const values: unknown = JSON.parse(rule)
    if (typeof values === 'object' && values !== null && !Array.isArray(values)) {
      return values as Record<string, FieldValue>
    }
  } catch {}
  throw new Problem(`--answer takes "decline", "defaults" or a JSON object, not "${rule}".`, {
    exit: exitCodes.usage,
  })
}

export interface PersonOptions {
  readonly ask: Ask
  readonly output: Output
  readonly openBrowser: OpenBrowser
}

/** Asks at the prompt, one question after another even when the server asks several at once. */
export function interactive({ ask, output, openBrowser }: PersonOptions): Responder {
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(body: () => Promise<T>): Promise<T> => {
    const mine = last.then(body, body)
    last = mine.catch(() => {})
    return mine
  }
  const headline = (text: string): void => output.note(output.style('bold', `? ${printable(text)}`))

  async function fillIn(form: Form, signal: AbortSignal): Promise<ElicitResult> {
    const fields = Object.entries(form.properties)
    if (fields.length === 0) {
      const yes = /^y(es)?$/i.test((await ask('  Accept? [y/n] ', signal)).trim())
      return yes ? { action: 'accept', content: {} } : { action: 'decline' }
    }
    output.note(output.style('dim', '  (/decline refuses, /cancel dismisses)'))
    const content: Record<string, FieldValue> = {}
    for (const [name, schema] of fields) {
      const required = form.required?.includes(name) === true
      for (const line of describeField(name, schema)) output.note(`  ${printable(line)}`)
      for (;;) {
        const text = await ask(`  [${printable(fieldHint(schema, required))}] `, signal)
        if (text.trim() === '/decline') return { action: 'decline' }
        if (text.trim() === '/cancel') return { action: 'cancel' }
        if (text.trim() === '') {
          if (schema.default !== undefined) content[name] = schema.default
          if (schema.default !== undefined || !required) break
          output.note('  An answer is required.')
          continue
        }
        const parsed = parseField(schema, text)
        if ('value' in parsed) {
          content[name] = parsed.value
          break
        }
        output.note(`  ${parsed.reason}`)
      }
    }
    return { action: 'accept', content }
  }

  async function visit(page: string, signal: AbortSignal): Promise<ElicitResult> {
    // The address is shown whole and opened only on a yes: it is the server's, and may be a lure.
    if (!URL.canParse(page)) return { action: 'decline' }
    const url = new URL(page)
    output.note(`  ${printable(url.href)}`)
    const answer = await ask(`  Open ${printable(url.host)} in the browser? [y/n] `, signal)
    if (!/^y(es)?$/i.test(answer.trim())) return { action: 'decline' }
    if (!(await openBrowser(url))) output.note('  Open the address above in a browser.')
    return { action: 'accept' }
  }

  return {
    capabilities: { elicitation: { form: { applyDefaults: true }, url: {} }, sampling: {} },
    elicit: (params, signal) =>
      inTurn(async () => {
        headline(params.message)
        return params.mode === 'url'
          ? visit(params.url, signal)
          : fillIn(params.requestedSchema, signal)
      }),
    sample: (params, signal) =>
      inTurn(async () => {
        headline('The server asks for a model. You are the model; an empty line refuses.')
        if (params.systemPrompt !== undefined)
          output.note(`  system: ${printable(params.systemPrompt)}`)
        for (const { role, content } of params.messages) {
          for (const block of [content].flat()) {
            const text = block.type === 'text' ? block.text : `[${block.type}]`
            output.note(`  ${role}: ${printable(text)}`)
          }
        }
        const text = (await ask('  assistant: ', signal)).trim()
        if (text === '') throw new Error('The user refused to answer for a model.')
        return { role: 'assistant', model: 'person', content: { type: 'text', text } }
      }),
  }
}
