/** The state of the page: the connection, what the server offers, open questions, HTTP records. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Credentials } from './auth/credentials.ts'
import { loadCredentials, refreshLogin, saveCredentials } from './auth/credentials.ts'
import { finishLogin } from './auth/oauth.ts'
import type { JsonObject } from './json.ts'
import type { HttpRecord } from './mcp/http.ts'
import { HttpProblem } from './mcp/http.ts'
import { openLegacy } from './mcp/legacy.ts'
import type { Catalog } from './mcp/lists.ts'
import { readCatalog } from './mcp/lists.ts'
import { openModern } from './mcp/modern.ts'
import type { ClientHost, Connection, Era, Question } from './mcp/protocol.ts'
import { MODERN, RpcError } from './mcp/protocol.ts'

/** Older records are dropped. */
const MOST_RECORDS = 100

export interface OpenQuestion {
  readonly id: number
  readonly question: Question
  readonly answer: (result: JsonObject) => void
  readonly refuse: (why: string) => void
}

export type Status =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'ready'; readonly connection: Connection; readonly catalog: Catalog }
  | { readonly phase: 'login'; readonly problem: HttpProblem }
  | { readonly phase: 'failed'; readonly problem: Error }

/** The URL of the endpoint: that of this page. */
export const ENDPOINT = location.origin + location.pathname

const EMPTY: Catalog = { tools: [], prompts: [], resources: [], templates: [] }

export function useSession() {
  const [status, setStatus] = useState<Status>({ phase: 'connecting' })
  const [era, setEra] = useState<Era>()
  const [credentials, setCredentials] = useState<Credentials | undefined>(loadCredentials)
  const [records, setRecords] = useState<readonly HttpRecord[]>([])
  const [questions, setQuestions] = useState<readonly OpenQuestion[]>([])
  const [notice, setNotice] = useState('')
  const [attempt, setAttempt] = useState(0)
  const token = useRef(credentials?.accessToken)
  token.current = credentials?.accessToken

  const host = useRef<ClientHost>(null)
  host.current ??= {
    url: ENDPOINT,
    token: () => token.current,
    onRecord: recorder(setRecords),
    onNotification: (method) => {
      if (method.endsWith('/acknowledged')) return
      setNotice(`${method} at ${new Date().toLocaleTimeString()}`)
    },
    ask: asker(setQuestions),
  }

  const login = useCallback((next: Credentials | undefined) => {
    saveCredentials(next)
    token.current = next?.accessToken
    setCredentials(next)
    setAttempt((count) => count + 1)
  }, [])

  useEffect(() => {
    let connection: Connection | undefined
    let left = false
    const connect = async () => {
      setStatus({ phase: 'connecting' })
      if (!host.current) return
      try {
        const finished = await finishLogin()
        if (finished) return login(finished)
        connection = await open(host.current, era)
        if (left) return connection.close()
        setStatus({ phase: 'ready', connection, catalog: EMPTY })
        const catalog = await readCatalog(connection)
        if (left) return
        setStatus({ phase: 'ready', connection, catalog })
        connection.listen()
      } catch (error) {
        if (left) return
        const problem = error instanceof Error ? error : new Error(String(error))
        if (!(problem instanceof HttpProblem) || problem.status !== 401) {
          return setStatus({ phase: 'failed', problem })
        }
        const renewed = await refreshLogin(loadCredentials())
        if (renewed && !left) return login(renewed)
        setStatus({ phase: 'login', problem })
      }
    }
    connect()
    return () => {
      left = true
      connection?.close()
    }
  }, [era, attempt, login])

  // A list that has changed is read again.
  useEffect(() => {
    if (status.phase !== 'ready' || !notice.includes('list_changed')) return
    const { connection } = status
    readCatalog(connection).then(
      (catalog) => setStatus({ phase: 'ready', connection, catalog }),
      () => {},
    )
    // Only a new notice is a reason to read.
  }, [notice])

  const reconnect = useCallback(() => setAttempt((count) => count + 1), [])
  const refused = useCallback(
    // A token that has run out may be renewed; one with too few scopes needs the person.
    (problem: HttpProblem) =>
      problem.status === 403 ? setStatus({ phase: 'login', problem }) : reconnect(),
    [reconnect],
  )
  const ask = host.current.ask
  return {
    status,
    era,
    setEra,
    credentials,
    login,
    records,
    questions,
    notice,
    ask,
    reconnect,
    refused,
  }
}

export type Session = ReturnType<typeof useSession>

/** Opens a connection of the era that was chosen, else of the newest that the server has. */
async function open(host: ClientHost, era: Era | undefined): Promise<Connection> {
  if (era !== undefined) return era === MODERN ? openModern(host) : openLegacy(host)
  try {
    return await openModern(host)
  } catch (error) {
    const isRefused = error instanceof HttpProblem && [401, 403, 503].includes(error.status)
    if (isRefused || (!(error instanceof HttpProblem) && !(error instanceof RpcError))) throw error
    return openLegacy(host)
  }
}

type Update<T> = (change: (before: T) => T) => void

/** Adds records, and shows what is new of them once per frame. */
function recorder(setRecords: Update<readonly HttpRecord[]>) {
  const known = new Map<number, HttpRecord>()
  let planned = false
  return (record: HttpRecord) => {
    known.set(record.id, record)
    if (planned) return
    planned = true
    setTimeout(() => {
      planned = false
      const newest = [...known.values()].sort((a, b) => b.id - a.id).slice(0, MOST_RECORDS)
      for (const { id } of [...known.values()]) {
        if (!newest.some((one) => one.id === id)) known.delete(id)
      }
      setRecords(() => newest.map((one) => ({ ...one })))
    }, 50)
  }
}

/** Shows a question, and resolves with the person's answer. */
function asker(setQuestions: Update<readonly OpenQuestion[]>): ClientHost['ask'] {
  let lastId = 0
  return (question, signal) =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      const close = () => {
        signal?.removeEventListener('abort', aborted)
        setQuestions((before) => before.filter((one) => one.id !== id))
      }
      const aborted = () => {
        close()
        reject(new Error('Cancelled'))
      }
      signal?.addEventListener('abort', aborted)
      const open: OpenQuestion = {
        id,
        question,
        answer(result) {
          close()
          resolve(result)
        },
        refuse(why) {
          close()
          reject(new Error(why))
        },
      }
      setQuestions((before) => [...before, open])
    })
}
