/** Fields that hold other fields: objects, lists, and objects with names of one's own. */
import type { JsonObject } from '../json.ts'
import { isObject, objectOf, pretty, textOf } from '../json.ts'
import { JsonField } from './inputs.tsx'
import type { InnerProps } from './props.ts'
import { titleOf } from './props.ts'
import { choicesOf, initialValue, kindOf, namesOf, resolveSchema } from './schema.ts'

/** A list longer than this is filled in as JSON. */
const MOST_ITEMS = 200

interface GroupProps extends InnerProps {
  readonly children: preact.ComponentChildren
}

function Group({ children, ...props }: GroupProps) {
  const description = textOf(props.schema.description)
  return (
    <fieldset class="group">
      <legend>
        <bdi>{titleOf(props)}</bdi>
        {props.required && <span class="required"> required</span>}
      </legend>
      {description && <p class="hint">{description}</p>}
      {children}
    </fieldset>
  )
}

/** A value without the members that have none. */
function withMember(value: unknown, name: string, member: unknown): JsonObject {
  const entries = Object.entries(objectOf(value)).filter(([one]) => one !== name)
  if (member !== undefined) entries.push([name, member])
  return Object.fromEntries(entries)
}

/** The fields of an object, without a frame around them. */
export function Members({
  schema,
  root,
  value,
  onChange,
  depth,
  Field,
}: Omit<InnerProps, 'id' | 'label'>) {
  const required = namesOf(schema.required)
  return (
    <>
      {Object.entries(objectOf(schema.properties)).map(([name, property]) => (
        <Field
          key={name}
          label={name}
          schema={property}
          root={root}
          value={Object.hasOwn(objectOf(value), name) ? objectOf(value)[name] : undefined}
          required={required.includes(name)}
          onChange={(member) => onChange(withMember(value, name, member))}
          depth={depth + 1}
        />
      ))}
    </>
  )
}

export function ObjectField(props: InnerProps) {
  const { required, value, onChange, schema, root } = props
  if (!required && value === undefined) {
    return (
      <div class="field">
        <button
          type="button"
          class="quiet"
          onClick={() => onChange(initialValue(schema, root, true) ?? {})}
        >
          Add <bdi>{titleOf(props)}</bdi>
        </button>
      </div>
    )
  }
  return (
    <Group {...props}>
      <Members {...props} />
      {!required && (
        <button type="button" class="quiet" onClick={() => onChange(undefined)}>
          Remove <bdi>{titleOf(props)}</bdi>
        </button>
      )}
    </Group>
  )
}

export function ArrayField(props: InnerProps) {
  const { schema, root, value, onChange, depth, Field } = props
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  const itemSchema = resolveSchema(schema.items, root)
  if (items.length > MOST_ITEMS) {
    return (
      <Group {...props}>
        <JsonField {...props} />
      </Group>
    )
  }
  if (kindOf(itemSchema) === 'enum') return <ManyChoices {...props} itemSchema={itemSchema} />
  const replace = (i: number, item: unknown) =>
    onChange(items.map((one, at) => (at === i ? item : one)))
  return (
    <Group {...props}>
      {items.map((item, i) => (
        <div class="item" key={i}>
          <Field
            label={`${titleOf(props)} ${i + 1}`}
            schema={schema.items ?? {}}
            root={root}
            value={item}
            required
            onChange={(next) => replace(i, next ?? null)}
            depth={depth + 1}
          />
          <button
            type="button"
            class="quiet"
            aria-label={`Remove item ${i + 1}`}
            onClick={() => onChange(items.filter((_, at) => at !== i))}
          >
            ✕
          </button>
        </div>
      ))}
      <button
        type="button"
        class="quiet"
        onClick={() => onChange([...items, initialValue(schema.items, root, true) ?? ''])}
      >
        Add an item
      </button>
    </Group>
  )
}

interface ManyProps extends InnerProps {
  readonly itemSchema: JsonObject
}

function ManyChoices({ itemSchema, ...props }: ManyProps) {
  const { value, onChange } = props
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  const has = (choice: unknown) => items.some((item) => pretty(item) === pretty(choice))
  return (
    <Group {...props}>
      {choicesOf(itemSchema).map(([choice, label]) => (
        <label class="check" key={label}>
          <input
            type="checkbox"
            checked={has(choice)}
            onChange={({ currentTarget }) => {
              const others = items.filter((item) => pretty(item) !== pretty(choice))
              onChange(currentTarget.checked ? [...others, choice] : others)
            }}
          />
          <bdi>{label}</bdi>
        </label>
      ))}
    </Group>
  )
}

/** An object whose names the person chooses. */
export function MapField(props: InnerProps) {
  const { schema, value, onChange, root, depth, Field } = props
  const entries = Object.entries(objectOf(value))
  if (!isObject(schema.additionalProperties)) {
    return (
      <Group {...props}>
        <JsonField {...props} />
      </Group>
    )
  }
  const replace = (i: number, entry: [string, unknown]) =>
    onChange(Object.fromEntries(entries.map((one, at) => (at === i ? entry : one))))
  return (
    <Group {...props}>
      {entries.map(([name, member], i) => (
        <div class="item" key={i}>
          <input
            aria-label={`Name ${i + 1}`}
            value={name}
            onChange={({ currentTarget }) => replace(i, [currentTarget.value, member])}
          />
          <Field
            label={name || 'value'}
            schema={schema.additionalProperties}
            root={root}
            value={member}
            required
            onChange={(next) => replace(i, [name, next ?? null])}
            depth={depth + 1}
          />
        </div>
      ))}
      <button
        type="button"
        class="quiet"
        onClick={() => {
          const first = initialValue(schema.additionalProperties, root, true) ?? ''
          onChange(Object.fromEntries([...entries, [`name${entries.length + 1}`, first]]))
        }}
      >
        Add an entry
      </button>
    </Group>
  )
}
