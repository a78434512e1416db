/** The panel that tries a tool, a prompt or a resource, and follows the call to its end. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { AppView, appOf } from './apps/app-view.tsx'
import { Form } from './form/form.tsx'
import { initialValue, missingFields } from './form/schema.ts'
import type { JsonObject } from './json.ts'
import { isObject, numberOf, objectOf, pretty, textOf } from './json.ts'
import { HttpProblem } from './mcp/http.ts'
import type { Catalog } from './mcp/lists.ts'
import { paramHeadersOf } from './mcp/lists.ts'
import type { ClientHost, Connection } from './mcp/protocol.ts'
import { RpcError } from './mcp/protocol.ts'
import { Result } from './result/content.tsx'
import { Data } from './result/data.tsx'
import { Snippets } from './snippets.tsx'
import type { Target } from './target.ts'
import { requestOf } from './target.ts'

/** Notifications beyond this are counted and not shown. */
const MOST_NOTES = 500

interface Note {
  readonly at: number
  readonly text: string
}

interface Run {
  /** The arguments that were sent. */
  readonly input: JsonObject
  readonly phase: 'running' | 'done' | 'failed' | 'cancelled'
  readonly startedAt: number
  readonly endedAt?: number
  readonly notes: readonly Note[]
  readonly progress?: JsonObject
  readonly task?: JsonObject
  readonly result?: JsonObject
  readonly error?: Error
}

export interface CallPanelProps {
  readonly target: Target
  readonly connection: Connection
  readonly catalog: Catalog
  readonly ask: ClientHost['ask']
  readonly onRead: (uri: string) => void
  /** The server wants another login, or one with more scopes. */
  readonly onRefused: (problem: HttpProblem) => void
}

export function CallPanel(props: CallPanelProps) {
  const { target, connection, catalog, ask, onRead, onRefused } = props
  const { definition, schema, kind } = target
  const [values, setValues] = useState<JsonObject>(() =>
    objectOf(initialValue({ ...schema, type: 'object' }, schema, true)),
  )
  const [run, setRun] = useState<Run>()
  const abort = useRef<AbortController>(null)
  useEffect(() => () => abort.current?.abort(), [])

  const start = async () => {
    abort.current?.abort()
    const controller = new AbortController()
    abort.current = controller
    const { signal } = controller
    const startedAt = Date.now()
    setRun({ phase: 'running', input: values, startedAt, notes: [] })
    const change = (next: Partial<Run>) => {
      if (abort.current === controller) setRun((before) => before && { ...before, ...next })
    }
    const onNotification = (method: string, params: JsonObject) => {
      if (abort.current !== controller) return
      const note = { at: Date.now() - startedAt, text: noteOf(method, params) }
      setRun(
        (before) =>
          before && {
            ...before,
            notes: [...before.notes, note].slice(-MOST_NOTES),
            ...(method === 'notifications/progress' && { progress: params }),
          },
      )
    }
    const { method, params } = requestOf(target, values)
    const paramHeaders = paramHeadersOf(schema, values)
    const onTask = (task: JsonObject) => change({ task })
    try {
      const hooks = { signal, ask, onNotification, onTask, paramHeaders }
      const result = await connection.request(method, params, hooks)
      change({ phase: 'done', endedAt: Date.now(), result })
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      const phase = signal.aborted ? 'cancelled' : 'failed'
      change({ phase, endedAt: Date.now(), error: failure })
      if (failure instanceof HttpProblem && wantsLogin(failure)) onRefused(failure)
    }
  }

  const app = kind === 'tool' ? appOf(definition) : undefined
  const missing = missingFields(schema, values, schema)
  const verb = { tool: 'Call', prompt: 'Get', resource: 'Read', template: 'Read' }[kind]
  return (
    <section class="panel" aria-label={target.title}>
      <h2>
        <bdi>{target.title}</bdi>
      </h2>
      <Definition definition={definition} />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          start()
        }}
      >
        {kind !== 'resource' && <Form schema={schema} value={values} onChange={setValues} />}
        {missing.length > 0 && (
          <p class="hint">Required and empty so far: {missing.slice(0, 10).join(', ')}</p>
        )}
        <p class="actions">
          <button type="submit" class="primary" disabled={run?.phase === 'running'}>
            {verb}
          </button>
          {run?.phase === 'running' && (
            <button type="button" onClick={() => abort.current?.abort()}>
              Cancel
            </button>
          )}
        </p>
      </form>
      {run && <RunView run={run} onRead={onRead} />}
      {run?.result && app && (
        <AppView
          key={run.startedAt}
          uri={app}
          connection={connection}
          catalog={catalog}
          ask={ask}
          input={run.input}
          result={run.result}
        />
      )}
      <Snippets target={target} values={values} era={connection.era} />
    </section>
  )
}

function wantsLogin({ status, challenge }: HttpProblem): boolean {
  return status === 401 || (status === 403 && challenge?.includes('insufficient_scope') === true)
}

function noteOf(method: string, params: JsonObject): string {
  if (method === 'notifications/message') {
    const { data } = params
    return `${String(params.level)}: ${typeof data === 'string' ? data : pretty(data)}`
  }
  if (method === 'notifications/progress') {
    const total = params.total === undefined ? '' : ` of ${String(params.total)}`
    return `progress ${String(params.progress)}${total} ${textOf(params.message) ?? ''}`
  }
  return `${method} ${pretty(params)}`
}

function Definition({ definition }: { readonly definition: JsonObject }) {
  const { annotations, inputSchema, outputSchema } = definition
  const hints = Object.entries(objectOf(annotations)).filter(([, value]) => value === true)
  return (
    <>
      {textOf(definition.description) && <p class="about">{textOf(definition.description)}</p>}
      <p class="hint">
        <code>{String(definition.uri ?? definition.uriTemplate ?? definition.name)}</code>{' '}
        {hints.map(([name]) => (
          <span class="tag" key={name}>
            {name}
          </span>
        ))}
      </p>
      {(inputSchema !== undefined || outputSchema !== undefined) && (
        <details>
          <summary>Schema</summary>
          <Data value={{ inputSchema, ...(outputSchema !== undefined && { outputSchema }) }} />
        </details>
      )}
    </>
  )
}

function RunView({ run, onRead }: { readonly run: Run; readonly onRead: (uri: string) => void }) {
  const { phase, startedAt, endedAt, notes, progress, task, result, error } = run
  const isError = result?.isError === true
  const outcome =
    phase === 'running'
      ? 'Running…'
      : `${isError ? 'The tool reports an error' : { done: 'Done', failed: 'Failed', cancelled: 'Cancelled' }[phase]} after ${(((endedAt ?? startedAt) - startedAt) / 1000).toFixed(2)} s`
  return (
    <section class={`run ${isError ? 'failed' : phase}`} aria-label="Result">
      <p role="status">
        <strong>{outcome}</strong>
      </p>
      {progress && phase === 'running' && <Progress progress={progress} />}
      {task && (
        <p class="hint">
          Task <code>{String(task.taskId)}</code>: <strong>{String(task.status)}</strong>{' '}
          {textOf(task.statusMessage)}
        </p>
      )}
      {notes.length > 0 && (
        <details open={phase === 'running'} class="notes">
          <summary>{notes.length} notifications</summary>
          <ol>
            {notes.map(({ at, text }, i) => (
              <li key={i}>
                <small>{(at / 1000).toFixed(2)} s</small> <bdi>{text}</bdi>
              </li>
            ))}
          </ol>
        </details>
      )}
      {result && <Result result={result} onRead={onRead} />}
      {error && phase !== 'cancelled' && <Problem error={error} />}
    </section>
  )
}

function Progress({ progress }: { readonly progress: JsonObject }) {
  const done = numberOf(progress.progress)
  const total = numberOf(progress.total)
  return (
    <p>
      <progress
        aria-label="Progress"
        {...(total && done !== undefined && { value: done, max: total })}
      />{' '}
      {textOf(progress.message)}
    </p>
  )
}

function Problem({ error }: { readonly error: Error }) {
  const code = error instanceof RpcError ? `Error ${error.code}: ` : ''
  const httpStatus = error instanceof HttpProblem ? `HTTP ${error.status}: ` : ''
  return (
    <div class="problem" role="alert">
      <p>
        {code}
        {httpStatus}
        {error.message}
      </p>
      {error instanceof RpcError && isObject(error.data) && <Data value={error.data} />}
    </div>
  )
}
