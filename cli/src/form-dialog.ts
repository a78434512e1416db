/** Asks for the fields of a form at the terminal, one after another. */

import type { PrimitiveSchemaDefinition } from '@modelcontextprotocol/client'
import type { FieldValue } from './forms.ts'
import { describeField, fieldHint, parseField } from './forms.ts'
import type { Output } from './output.ts'
import type { Text } from './text.ts'
import { indented, text } from './text.ts'

/** Reads one line from the person at the terminal. Rejects when `signal` aborts. */
export type Ask = (
  question: Text,
  signal: AbortSignal,
  options?: { readonly hidden?: boolean },
) => Promise<string>

export interface Form {
  readonly properties: Readonly<Record<string, PrimitiveSchemaDefinition>>
  readonly required?: readonly string[] | undefined
}

export type Filled =
  | { readonly action: 'accept'; readonly content: Record<string, FieldValue> }
  | { readonly action: 'decline' | 'cancel' }

/** Words that end the form and do not answer a field. */
const ENDINGS: ReadonlyMap<string, 'decline' | 'cancel'> = new Map([
  ['/decline', 'decline'],
  ['/cancel', 'cancel'],
])

export async function fillIn(
  form: Form,
  { ask, output }: { readonly ask: Ask; readonly output: Output },
  signal: AbortSignal,
): Promise<Filled> {
  const content: Record<string, FieldValue> = {}
  for (const [name, schema] of Object.entries(form.properties)) {
    const required = form.required?.includes(name) === true
    for (const line of describeField(name, schema)) output.note(indented(text`${line}`, '  '))
    for (;;) {
      const answer = await ask(text`  [${fieldHint(schema, required)}] `, signal)
      const ending = ENDINGS.get(answer.trim())
      if (ending !== undefined) return { action: ending }
      if (answer.trim() === '') {
        if (schema.default !== undefined) content[name] = schema.default
        if (schema.default !== undefined || !required) break
        output.note(text`  An answer is required.`)
        continue
      }
      const parsed = parseField(schema, answer)
      if ('value' in parsed) {
        content[name] = parsed.value
        break
      }
      output.note(text`  ${parsed.reason}`)
    }
  }
  return { action: 'accept', content }
}
