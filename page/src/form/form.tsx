/** A whole form: fields by the schema, or the same value as JSON. */
import { useId, useState } from 'preact/hooks'
import type { JsonObject } from '../json.ts'
import { objectOf } from '../json.ts'
import { Field } from './field.tsx'
import { Members } from './groups.tsx'
import { JsonField } from './inputs.tsx'
import { resolveSchema } from './schema.ts'

interface FormProps {
  readonly schema: unknown
  readonly value: JsonObject
  readonly onChange: (value: JsonObject) => void
}

export function Form({ schema: given, value, onChange }: FormProps) {
  const [asJson, setAsJson] = useState(false)
  const id = useId()
  const root = objectOf(given)
  const schema = resolveSchema(root, root)
  const hasFields = Object.keys(objectOf(schema.properties)).length > 0
  const change = (next: unknown) => onChange(objectOf(next))
  return (
    <div class="form">
      {!hasFields && !asJson && <p class="hint">It declares no arguments.</p>}
      {asJson ? (
        <div class="field">
          <label for={id}>Arguments as JSON</label>
          <JsonField id={id} value={value} onChange={change} />
        </div>
      ) : (
        <Members
          schema={schema}
          root={root}
          value={value}
          required
          onChange={change}
          depth={0}
          Field={Field}
        />
      )}
      <button type="button" class="quiet" onClick={() => setAsJson(!asJson)}>
        {asJson ? 'Fill in as a form' : 'Fill in as JSON'}
      </button>
    </div>
  )
}
