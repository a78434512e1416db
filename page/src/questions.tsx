/** Questions of the server, answered by the person: forms, URLs, replies in place of a model, roots. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { Form } from './form/form.tsx'
import { initialValue } from './form/schema.ts'
import type { JsonObject } from './json.ts'
import { isObject, objectOf, objectsOf, textOf, webUrl } from './json.ts'
import { Content } from './result/content.tsx'
import type { OpenQuestion } from './session.ts'

export function Questions({ questions }: { readonly questions: readonly OpenQuestion[] }) {
  const [first] = questions
  if (!first) return null
  return <QuestionDialog key={first.id} open={first} waiting={questions.length - 1} />
}

interface DialogProps {
  readonly open: OpenQuestion
  readonly waiting: number
}

function QuestionDialog({ open, waiting }: DialogProps) {
  const { question } = open
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <section class="question" aria-labelledby="question">
      <h2 id="question" tabIndex={-1} ref={heading}>
        The server asks {waiting > 0 && <small>({waiting} more after this)</small>}
      </h2>
      {question.method === 'elicitation/create' && question.params.mode === 'url' && (
        <UrlQuestion open={open} />
      )}
      {question.method === 'elicitation/create' && question.params.mode !== 'url' && (
        <FormQuestion open={open} />
      )}
      {question.method === 'sampling/createMessage' && <SamplingQuestion open={open} />}
      {question.method === 'roots/list' && <RootsQuestion open={open} />}
      {!KNOWN.includes(question.method) && (
        <>
          <p>This page does not know the method {question.method}.</p>
          <button type="button" onClick={() => open.refuse('Method not found')}>
            Refuse
          </button>
        </>
      )}
    </section>
  )
}

const KNOWN = ['elicitation/create', 'sampling/createMessage', 'roots/list']

interface QuestionProps {
  readonly open: OpenQuestion
}

function FormQuestion({ open }: QuestionProps) {
  const { message, requestedSchema } = open.question.params
  const schema = objectOf(requestedSchema)
  const [values, setValues] = useState<JsonObject>(() =>
    objectOf(initialValue({ ...schema, type: 'object' }, schema, true)),
  )
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        open.answer({ action: 'accept', content: values })
      }}
    >
      <p class="about">{textOf(message)}</p>
      <Form schema={schema} value={values} onChange={setValues} />
      <p class="hint">Give no password or key here: the server receives what you type.</p>
      <p class="actions">
        <button type="submit" class="primary">
          Send answer
        </button>
        <Refusals open={open} />
      </p>
    </form>
  )
}

function Refusals({ open }: QuestionProps) {
  return (
    <>
      <button type="button" onClick={() => open.answer({ action: 'decline' })}>
        Decline
      </button>
      <button type="button" onClick={() => open.answer({ action: 'cancel' })}>
        Dismiss
      </button>
    </>
  )
}

function UrlQuestion({ open }: QuestionProps) {
  const { message } = open.question.params
  const url = webUrl(open.question.params.url)
  return (
    <>
      <p class="about">{textOf(message)}</p>
      {url ? (
        <p>
          It wants you to open this page at <strong>{url.host}</strong>:{' '}
          <a href={url.href} target="_blank" rel="noopener noreferrer">
            <bdi>{url.href}</bdi>
          </a>
        </p>
      ) : (
        <p class="problem">The server gave no URL of the web: {String(open.question.params.url)}</p>
      )}
      <p class="actions">
        {url && (
          <button type="button" class="primary" onClick={() => open.answer({ action: 'accept' })}>
            I agree
          </button>
        )}
        <Refusals open={open} />
      </p>
    </>
  )
}

function SamplingQuestion({ open }: QuestionProps) {
  const { messages, systemPrompt, maxTokens } = open.question.params
  const [text, setText] = useState('')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        open.answer({
          role: 'assistant',
          content: { type: 'text', text },
          model: 'person',
          stopReason: 'endTurn',
        })
      }}
    >
      <p>
        It wants a model to reply. You reply in its place
        {maxTokens !== undefined && ` (at most ${String(maxTokens)} tokens)`}.
      </p>
      {textOf(systemPrompt) && <pre class="text">{textOf(systemPrompt)}</pre>}
      {objectsOf(messages).map((message, i) => (
        <div class="message" key={i}>
          <strong>{String(message.role)}</strong>
          {(Array.isArray(message.content) ? message.content : [message.content])
            .filter(isObject)
            .map((block, at) => (
              <Content key={at} block={block} />
            ))}
        </div>
      ))}
      <div class="field">
        <label for="reply">Reply</label>
        <textarea
          id="reply"
          rows={4}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </div>
      <p class="actions">
        <button type="submit" class="primary">
          Send reply
        </button>
        <button type="button" onClick={() => open.refuse('The user refused the request.')}>
          Refuse
        </button>
      </p>
    </form>
  )
}

function RootsQuestion({ open }: QuestionProps) {
  const [text, setText] = useState('')
  const uris = text.split('\n').flatMap((line) => line.trim() || [])
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        open.answer({ roots: uris.map((uri) => ({ uri })) })
      }}
    >
      <div class="field">
        <label for="roots">Folders that the server may use, one file:// URI in each line</label>
        <textarea
          id="roots"
          rows={3}
          placeholder="file:///project"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </div>
      <p class="actions">
        <button type="submit" class="primary">
          Send {uris.length} roots
        </button>
      </p>
    </form>
  )
}
