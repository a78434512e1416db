/** The whole page: what the server is, its parts, how to connect, and the HTTP beside it. */
import { useState } from 'preact/hooks'
import { Login } from './auth/login.tsx'
import { CallPanel } from './call.tsx'
import { Connect } from './connect.tsx'
import { HttpLog } from './http-log.tsx'
import type { JsonObject } from './json.ts'
import { objectOf, textOf } from './json.ts'
import type { Catalog } from './mcp/lists.ts'
import type { ServerInfo } from './mcp/protocol.ts'
import { LEGACY, MODERN } from './mcp/protocol.ts'
import { Questions } from './questions.tsx'
import { WebLink } from './result/markdown.tsx'
import type { Session } from './session.ts'
import { ENDPOINT, useSession } from './session.ts'
import type { Target } from './target.ts'
import { targetsOf } from './target.ts'

const TABS = ['Tools', 'Prompts', 'Resources', 'Connect'] as const
type Tab = (typeof TABS)[number]

export function App() {
  const session = useSession()
  const { status, questions, records, notice } = session
  const [tab, setTab] = useState<Tab>('Tools')
  const [chosen, setChosen] = useState<Partial<Record<Tab, string>>>({})
  const ready = status.phase === 'ready' ? status : undefined
  const open = (uri: string) => {
    setTab('Resources')
    setChosen({ ...chosen, Resources: `resource ${uri}` })
  }
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header session={session} info={ready?.connection.info} />
      <div class="columns">
        <main id="main">
          <Questions questions={questions} />
          {status.phase === 'connecting' && <p role="status">Connecting…</p>}
          {status.phase === 'failed' && <Failure session={session} problem={status.problem} />}
          {status.phase === 'login' && <Login problem={status.problem} onLogin={session.login} />}
          {(ready || status.phase === 'login') && (
            <nav aria-label="Parts of the server">
              {TABS.filter((name) => ready || name === 'Connect').map((name) => (
                <button
                  type="button"
                  key={name}
                  aria-current={tab === name ? 'page' : undefined}
                  onClick={() => setTab(name)}
                >
                  {name}
                  {ready && name !== 'Connect' && (
                    <span class="count"> {targetsOf(ready.catalog, name).length}</span>
                  )}
                </button>
              ))}
            </nav>
          )}
          {tab === 'Connect' && (ready || status.phase === 'login') && (
            <Connect
              name={ready?.connection.info.name ?? 'server'}
              isStatic={session.credentials !== undefined && !session.credentials.clientId}
              protection={protectionOf(session)}
            />
          )}
          {ready && tab !== 'Connect' && (
            <Browser
              key={`${tab} ${ready.connection.era}`}
              session={session}
              targets={targetsOf(ready.catalog, tab)}
              kind={tab}
              chosen={chosen[tab]}
              onChoose={(key) => setChosen({ ...chosen, [tab]: key })}
              onRead={open}
              catalog={ready.catalog}
            />
          )}
        </main>
        <HttpLog records={records} />
      </div>
      <footer>
        <span role="status">{notice && `Last notification: ${notice}`}</span>
      </footer>
    </>
  )
}

function protectionOf({ status, credentials }: Session): string {
  if (status.phase === 'login') return 'A token is needed to call this server.'
  if (!credentials) return 'No authorization: everyone who reaches this URL may call it.'
  return credentials.clientId
    ? `OAuth: you are logged in as a client ${credentials.clientId}${credentials.scope ? ` with the scopes ${credentials.scope}` : ''}.`
    : 'A token: yours is used by this page until the tab is closed.'
}

interface HeaderProps {
  readonly session: Session
  readonly info: ServerInfo | undefined
}

function Header({ session, info }: HeaderProps) {
  const { status, setEra, credentials, login } = session
  const era = status.phase === 'ready' ? status.connection.era : session.era
  return (
    <header>
      <div>
        <h1>
          <bdi>{info?.title ?? info?.name ?? 'MCP server'}</bdi>{' '}
          {info?.version && <small>{info.version}</small>}
        </h1>
        {info?.description && <p>{info.description}</p>}
        <p class="hint">
          <code>{ENDPOINT}</code> {info && <>· speaks {info.revision}</>}
          {info?.websiteUrl && (
            <>
              {' · '}
              <WebLink label={info.websiteUrl} target={info.websiteUrl} />
            </>
          )}
        </p>
        {info?.instructions && (
          <details>
            <summary>Instructions for the model</summary>
            <pre class="text">{info.instructions}</pre>
          </details>
        )}
      </div>
      <div class="tools">
        <label>
          Protocol{' '}
          <select
            value={era ?? ''}
            onChange={({ currentTarget }) => {
              const value = currentTarget.value
              setEra(value === MODERN ? MODERN : value === LEGACY ? LEGACY : undefined)
            }}
          >
            {era === undefined && <option value="">newest</option>}
            <option value={MODERN}>{MODERN}</option>
            <option value={LEGACY}>{LEGACY}, with a session</option>
          </select>
        </label>
        {credentials && (
          <button type="button" class="quiet" onClick={() => login(undefined)}>
            Log out
          </button>
        )}
      </div>
    </header>
  )
}

function Failure({ session, problem }: { readonly session: Session; readonly problem: Error }) {
  const isOrigin = 'status' in problem && problem.status === 403
  return (
    <div class="problem" role="alert">
      <p>The server cannot be reached this way: {problem.message}</p>
      {isOrigin && (
        <p>
          If the server refuses the origin of this page, add <code>{location.origin}</code> to its
          option <code>allowedOrigins</code>.
        </p>
      )}
      <button type="button" onClick={session.reconnect}>
        Try again
      </button>
    </div>
  )
}

interface BrowserProps {
  readonly session: Session
  readonly kind: string
  readonly targets: readonly Target[]
  readonly catalog: Catalog
  readonly chosen: string | undefined
  readonly onChoose: (key: string) => void
  readonly onRead: (uri: string) => void
}

/** A list and what is chosen of it. */
function Browser({ session, kind, targets, chosen, onChoose, onRead, catalog }: BrowserProps) {
  const [filter, setFilter] = useState('')
  const found = targets.filter(({ key, title }) =>
    `${key} ${title}`.toLowerCase().includes(filter.toLowerCase()),
  )
  // A resource that a result links to may not be in the list.
  const uri = chosen?.startsWith('resource ') ? chosen.slice(9) : undefined
  const target =
    targets.find(({ key }) => key === chosen) ??
    (uri === undefined ? targets[0] : linkedResource(uri))
  if (!target) return <p class="hint">The server offers no {kind.toLowerCase()}.</p>
  return (
    <div class="browser">
      <section class="list" aria-label={kind}>
        {targets.length > 8 && (
          <input
            type="search"
            aria-label={`Search ${kind.toLowerCase()}`}
            placeholder="Search…"
            value={filter}
            onInput={({ currentTarget }) => setFilter(currentTarget.value)}
          />
        )}
        <ul>
          {found.map(({ key, title, definition }) => (
            <li key={key}>
              <button
                type="button"
                aria-current={key === target.key ? 'true' : undefined}
                onClick={() => onChoose(key)}
              >
                <bdi>{title}</bdi>
                <small>{summaryOf(definition)}</small>
              </button>
            </li>
          ))}
        </ul>
      </section>
      {session.status.phase === 'ready' && (
        <CallPanel
          key={target.key}
          target={target}
          connection={session.status.connection}
          ask={session.ask}
          onRead={onRead}
          onRefused={session.refused}
          catalog={catalog}
        />
      )}
    </div>
  )
}

function linkedResource(uri: string): Target {
  return { key: `resource ${uri}`, kind: 'resource', title: uri, definition: { uri }, schema: {} }
}

function summaryOf(definition: JsonObject): string {
  const text =
    textOf(definition.description) ?? textOf(objectOf(definition.annotations).title) ?? ''
  return text.length > 90 ? `${text.slice(0, 90)}…` : text
}
