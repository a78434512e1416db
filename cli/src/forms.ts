/** The fields of an elicitation form: shows the question, reads the answer, and checks it. */

import type { PrimitiveSchemaDefinition } from '@modelcontextprotocol/client'

export type FieldValue = string | number | boolean | string[]

/** A value, or the reason why the text is not valid. */
export type Parsed = { readonly value: FieldValue } | { readonly reason: string }

interface Choice {
  readonly value: string
  readonly title: string
}

/** Returns the choices of a field, from each of the five forms that a schema may have (B68). */
function choices(schema: PrimitiveSchemaDefinition): Choice[] | undefined {
  if (schema.type === 'array') {
    const { items } = schema
    if ('anyOf' in items) return items.anyOf.map(({ const: value, title }) => ({ value, title }))
    return items.enum.map((value) => ({ value, title: value }))
  }
  if ('oneOf' in schema) return schema.oneOf.map(({ const: value, title }) => ({ value, title }))
  if (!('enum' in schema)) return undefined
  const names = 'enumNames' in schema ? schema.enumNames : undefined
  return schema.enum.map((value, index) => ({ value, title: names?.[index] ?? value }))
}

/** Returns the lines above the input: title, description, and the choices with their numbers. */
export function describeField(name: string, schema: PrimitiveSchemaDefinition): string[] {
  const title = schema.title ?? name
  const lines = [schema.description === undefined ? title : `${title}: ${schema.description}`]
  for (const [index, { value, title: label }] of (choices(schema) ?? []).entries()) {
    lines.push(`  ${index + 1}) ${label === value ? value : `${label} (${value})`}`)
  }
  return lines
}

/** Returns the text in brackets before the input: the type of the value, and the effect of Enter alone. */
export function fieldHint(schema: PrimitiveSchemaDefinition, required: boolean): string {
  const kind = {
    boolean: 'y/n',
    integer: 'whole number',
    number: 'number',
    string: 'format' in schema && schema.format !== undefined ? schema.format : 'text',
    array: 'several, with commas',
  }[schema.type]
  const what = choices(schema) !== undefined && schema.type === 'string' ? 'one of these' : kind
  if (schema.default !== undefined) return `${what}; Enter for ${show(schema.default)}`
  return required ? what : `${what}; Enter to skip`
}

function show(value: FieldValue): string {
  if (typeof value === 'boolean') return value ? 'y' : 'n'
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** Reads one answer by its schema. The caller handles the empty answer: default, skipped, or missing. */
export function parseField(schema: PrimitiveSchemaDefinition, text: string): Parsed {
  const answer = text.trim()
  switch (schema.type) {
    case 'boolean': {
      if (/^(y|yes|true|1)$/i.test(answer)) return { value: true }
      if (/^(n|no|false|0)$/i.test(answer)) return { value: false }
      return { reason: 'Answer y or n.' }
    }
    case 'integer':
    case 'number':
      return parseNumber(schema, answer)
    case 'array': {
      const picked = answer.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))
      const values: string[] = []
      for (const part of picked) {
        const choice = pick(schema, part)
        if (choice === undefined) return { reason: `"${part}" is not one of the choices.` }
        if (!values.includes(choice)) values.push(choice)
      }
      const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
      if (values.length < minItems) return { reason: `Choose at least ${minItems}.` }
      if (values.length > maxItems) return { reason: `Choose at most ${maxItems}.` }
      return { value: values }
    }
    case 'string': {
      if (!('enum' in schema) && !('oneOf' in schema)) return parseText(schema, text)
      const choice = pick(schema, answer)
      return choice === undefined ? { reason: 'Choose one of these.' } : { value: choice }
    }
  }
}

/** Finds a choice by its value, its title or its number, in this order, because a value may look like a number. */
function pick(schema: PrimitiveSchemaDefinition, text: string): string | undefined {
  const all = choices(schema) ?? []
  const exact = all.find(({ value, title }) => value === text || title === text)
  return (exact ?? (/^\d+$/.test(text) ? all[Number(text) - 1] : undefined))?.value
}

function parseNumber(
  schema: Extract<PrimitiveSchemaDefinition, { type: 'integer' | 'number' }>,
  text: string,
): Parsed {
  const value = Number(text)
  if (text === '' || !Number.isFinite(value)) return { reason: 'Give a number.' }
  if (schema.type === 'integer' && !Number.isSafeInteger(value)) {
    return { reason: 'Give a whole number.' }
  }
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
  if (value < minimum) return { reason: `Give at least ${minimum}.` }
  if (value > maximum) return { reason: `Give at most ${maximum}.` }
  return { value }
}

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  email: (text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text),
  uri: (text) => URL.canParse(text),
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  'date-time': (text) =>
    /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/i.test(text) && !Number.isNaN(Date.parse(text)),
}

function parseText(
  schema: {
    minLength?: number | undefined
    maxLength?: number | undefined
    format?: string | undefined
  },
  text: string,
): Parsed {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, format } = schema
  // JSON Schema counts characters, but JavaScript counts UTF-16 units.
  const length = [...text].length
  if (length < minLength) return { reason: `Give at least ${minLength} characters.` }
  if (length > maxLength) return { reason: `Give at most ${maxLength} characters.` }
  if (format !== undefined && FORMATS[format]?.(text) === false) {
    return { reason: `That is not a valid ${format}.` }
  }
  return { value: text }
}
