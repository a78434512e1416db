/** What the fields of a form are given. */
import type { ComponentChildren } from 'preact'
import type { JsonObject } from '../json.ts'
import { textOf } from '../json.ts'

export interface FieldProps {
  readonly label: string
  /** As the server sent it. */
  readonly schema: unknown
  /** The document in which `$ref` is looked up. */
  readonly root: JsonObject
  readonly value: unknown
  readonly required: boolean
  readonly onChange: (value: unknown) => void
  readonly depth?: number
}

export interface InnerProps extends Omit<FieldProps, 'schema'> {
  /** Resolved. */
  readonly schema: JsonObject
  readonly depth: number
  readonly id: string
  /** The component for fields within this one. It is passed along, because fields and groups hold each other. */
  readonly Field: (props: FieldProps) => ComponentChildren
}

export function titleOf({ label, schema }: Pick<InnerProps, 'label' | 'schema'>): string {
  return textOf(schema.title) ?? label
}
