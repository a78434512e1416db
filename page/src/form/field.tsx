/** One field of a form, by the kind of its schema. */
import { useId, useState } from 'preact/hooks'
import type { JsonObject } from '../json.ts'
import { objectOf, pretty, textOf } from '../json.ts'
import { ArrayField, MapField, ObjectField } from './groups.tsx'
import { FileField, JsonField, NumberField, TextField } from './inputs.tsx'
import type { FieldProps, InnerProps } from './props.ts'
import { titleOf } from './props.ts'
import {
  choicesOf,
  initialValue,
  kindOf,
  resolveSchema,
  variantName,
  variantsOf,
} from './schema.ts'

/** A schema that is nested more deeply than this is filled in as JSON. */
const MOST_DEPTH = 8

export function Field({ schema: given, depth = 0, ...props }: FieldProps) {
  const id = useId()
  const schema = resolveSchema(given, props.root)
  const common = { ...props, schema, depth, id, Field }
  const kind = depth > MOST_DEPTH ? 'json' : kindOf(schema)
  switch (kind) {
    case 'object':
      return <ObjectField {...common} />
    case 'map':
      return <MapField {...common} />
    case 'array':
      return <ArrayField {...common} />
    case 'union':
      return <UnionField {...common} />
    case 'boolean':
      return <BooleanField {...common} />
    case 'enum':
      return (
        <Labelled {...common}>
          <Choice {...common} />
        </Labelled>
      )
    case 'const':
      return (
        <Labelled {...common}>
          <output id={id}>{pretty(schema.const)}</output>
        </Labelled>
      )
    default:
      return (
        <Labelled {...common}>
          {kind === 'number' && <NumberField {...common} />}
          {kind === 'file' && <FileField {...common} />}
          {kind === 'text' && <TextField {...common} />}
          {kind === 'json' && <JsonField {...common} />}
        </Labelled>
      )
  }
}

interface LabelledProps extends InnerProps {
  readonly children: preact.ComponentChildren
}

export function Labelled({ children, ...props }: LabelledProps) {
  const { id, schema, required } = props
  const description = textOf(schema.description)
  return (
    <div class="field">
      <label for={id}>
        <bdi>{titleOf(props)}</bdi>
        {required && <span class="required"> required</span>}
      </label>
      {description && (
        <p class="hint" id={`${id}-hint`}>
          {description}
        </p>
      )}
      {children}
    </div>
  )
}

function Choice({ id, schema, value, required, onChange }: InnerProps) {
  const choices = choicesOf(schema)
  const chosen = choices.findIndex(([one]) => pretty(one) === pretty(value))
  return (
    <select
      id={id}
      value={String(chosen)}
      onChange={({ currentTarget }) => onChange(choices[Number(currentTarget.value)]?.[0])}
    >
      <option value="-1">{required ? 'Choose…' : '(none)'}</option>
      {choices.map(([, label], i) => (
        <option key={label} value={String(i)}>
          {label}
        </option>
      ))}
    </select>
  )
}

function BooleanField(props: InnerProps) {
  const { id, schema, value, required, onChange } = props
  const description = textOf(schema.description)
  return (
    <div class="field">
      <label class="check">
        <input
          id={id}
          type="checkbox"
          checked={value === true}
          onChange={({ currentTarget }) => {
            const off = required || 'default' in schema ? false : undefined
            onChange(currentTarget.checked ? true : off)
          }}
        />
        <bdi>{titleOf(props)}</bdi>
      </label>
      {description && <p class="hint">{description}</p>}
    </div>
  )
}

function UnionField(props: InnerProps) {
  const { id, schema, root, value, required, onChange, depth } = props
  const variants = variantsOf(schema).map((variant) => resolveSchema(variant, root))
  const [chosen, setChosen] = useState(() =>
    value === undefined && !required ? -1 : fittingVariant(variants, value),
  )
  const variant = variants[chosen]
  return (
    <fieldset class="group">
      <Labelled {...props}>
        <select
          id={id}
          value={String(chosen)}
          onChange={({ currentTarget }) => {
            const next = Number(currentTarget.value)
            setChosen(next)
            const type = variants[next]?.type
            onChange(type === 'null' ? null : initialValue(variants[next], root, next >= 0))
          }}
        >
          {!required && <option value="-1">(none)</option>}
          {variants.map((one, i) => (
            <option key={i} value={String(i)}>
              {variantName(one, i)}
            </option>
          ))}
        </select>
      </Labelled>
      {variant && variant.type !== 'null' && kindOf(variant) !== 'const' && (
        <Field
          key={chosen}
          label={variantName(variant, chosen)}
          schema={variant}
          root={root}
          value={value}
          required={required}
          onChange={onChange}
          depth={depth + 1}
        />
      )}
    </fieldset>
  )
}

/** The variant that a value seems to be of: by its constants, else by its type. */
function fittingVariant(variants: readonly JsonObject[], value: unknown): number {
  if (value === undefined) return 0
  const kind = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
  const byConstants = variants.findIndex(({ properties }) => {
    const constants = Object.entries(objectOf(properties)).filter(
      ([, property]) => 'const' in objectOf(property),
    )
    return (
      constants.length > 0 &&
      constants.every(([name, property]) => objectOf(value)[name] === objectOf(property).const)
    )
  })
  if (byConstants >= 0) return byConstants
  const byType = variants.findIndex(
    ({ type }) => type === kind || (kind === 'number' && type === 'integer'),
  )
  return Math.max(byType, 0)
}
