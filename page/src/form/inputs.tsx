/** Fields of one value: text, number, file, and JSON for everything else. */
import { useState } from 'preact/hooks'
import { bytesOf, numberOf, parseJson, pretty, textOf, toBase64 } from '../json.ts'
import type { InnerProps } from './props.ts'

/** Larger files are refused, because most servers limit the size of a request. */
const MOST_BYTES = 20 * 1024 * 1024

/** The keyboard that a phone shows for a format. */
const KEYBOARDS: ReadonlyMap<unknown, 'email' | 'url'> = new Map([
  ['email', 'email'],
  ['uri', 'url'],
] as const)

function hintOf(id: string, { description }: InnerProps['schema']) {
  return textOf(description) ? { 'aria-describedby': `${id}-hint` } : {}
}

export function TextField({ id, schema, value, required, onChange }: InnerProps) {
  const text = typeof value === 'string' ? value : value === undefined ? '' : pretty(value)
  const change = (next: string) => onChange(next === '' && !required ? undefined : next)
  const isLong = (numberOf(schema.maxLength) ?? 0) > 200 || text.includes('\n') || text.length > 80
  const common = {
    id,
    value: text,
    'aria-required': required,
    ...hintOf(id, schema),
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) =>
      change(currentTarget.value),
  }
  if (isLong) return <textarea {...common} rows={4} />
  if (schema.format === 'date') return <input {...common} type="date" />
  return (
    <input
      {...common}
      inputMode={KEYBOARDS.get(schema.format) ?? 'text'}
      placeholder={schema.format === 'date-time' ? new Date().toISOString() : ''}
      autocomplete="off"
      spellcheck={false}
    />
  )
}

export function NumberField({ id, schema, value, required, onChange }: InnerProps) {
  const [text, setText] = useState(value === undefined ? '' : String(value))
  return (
    <input
      id={id}
      inputMode={schema.type === 'integer' ? 'numeric' : 'decimal'}
      autocomplete="off"
      aria-required={required}
      {...hintOf(id, schema)}
      value={text}
      onInput={({ currentTarget }) => {
        const next = currentTarget.value.trim()
        setText(currentTarget.value)
        const number = Number(next)
        // A text other than a number is sent as it is: the server's answer is worth seeing.
        onChange(next === '' ? undefined : Number.isFinite(number) ? number : next)
      }}
    />
  )
}

export function FileField({ id, schema, value, onChange }: InnerProps) {
  const [problem, setProblem] = useState<string>()
  const load = async (file: File | undefined) => {
    setProblem(undefined)
    if (!file) return onChange(undefined)
    if (file.size > MOST_BYTES) return setProblem('The file is larger than 20 MB.')
    const base64 = toBase64(new Uint8Array(await file.arrayBuffer()))
    const isUrl = schema.format === 'data-url'
    onChange(isUrl ? `data:${file.type || 'application/octet-stream'};base64,${base64}` : base64)
  }
  const size = typeof value === 'string' ? bytesOf(value.replace(/^data:[^,]*,/, ''))?.length : 0
  return (
    <>
      <input
        id={id}
        type="file"
        accept={textOf(schema.contentMediaType) ?? ''}
        onChange={({ currentTarget }) => {
          load(currentTarget.files?.[0]).catch(() => setProblem('The file cannot be read.'))
        }}
      />
      {size ? <p class="hint">{size} bytes, sent in base64</p> : null}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  )
}

/** A value as JSON text. A text that is not JSON leaves the value as it was. */
export function JsonField({ id, value, onChange }: Pick<InnerProps, 'id' | 'value' | 'onChange'>) {
  const [text, setText] = useState(value === undefined ? '' : pretty(value))
  const isWrong = text.trim() !== '' && parseJson(text) === undefined
  return (
    <>
      <textarea
        id={id}
        class="code"
        rows={Math.min(16, Math.max(3, text.split('\n').length))}
        spellcheck={false}
        aria-invalid={isWrong}
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value)
          const next = currentTarget.value.trim()
          if (next === '') return onChange(undefined)
          const parsed = parseJson(next)
          if (parsed !== undefined) onChange(parsed)
        }}
      />
      {isWrong && <p class="problem">This is not JSON yet.</p>}
    </>
  )
}
