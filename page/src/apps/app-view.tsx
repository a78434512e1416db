/**
 * An MCP App in its frame (SEP-1865, revision 2026-01-26). Its code has an opaque origin and no network; what
 * it wants, it asks this page for, which shows it to the person or passes it to the server.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { JsonObject } from '../json.ts'
import { isObject, numberOf, objectOf, objectsOf, pretty, textOf } from '../json.ts'
import type { Catalog } from '../mcp/lists.ts'
import type { ClientHost, Connection } from '../mcp/protocol.ts'
import { APP_TYPE, CLIENT_INFO } from '../mcp/protocol.ts'
import { WebLink } from '../result/markdown.tsx'
import { ENDPOINT } from '../session.ts'

/** An App that asks more often than this gets errors. */
const MOST_REQUESTS = 500
const MOST_HEIGHT = 1_200

/** The URI of the App that shows the results of a tool. */
export function appOf(tool: JsonObject): string | undefined {
  const meta = objectOf(tool._meta)
  const uri = textOf(objectOf(meta.ui).resourceUri) ?? textOf(meta['ui/resourceUri'])
  return uri?.startsWith('ui://') ? uri : undefined
}

export interface AppViewProps {
  readonly uri: string
  readonly connection: Connection
  readonly catalog: Catalog
  readonly ask: ClientHost['ask']
  readonly input: JsonObject
  readonly result: JsonObject
}

export function AppView(props: AppViewProps) {
  const { uri, connection } = props
  const [html, setHtml] = useState<string>()
  const [needs, setNeeds] = useState<JsonObject>({})
  const [problem, setProblem] = useState('')
  useEffect(() => {
    connection.request('resources/read', { uri }).then(
      ({ contents }) => {
        const page = objectsOf(contents).find(({ mimeType }) => mimeType === APP_TYPE)
        setNeeds(objectOf(objectOf(objectOf(page?._meta).ui).csp))
        if (typeof page?.text === 'string') setHtml(page.text)
        else setProblem('The server gives no HTML for this App.')
      },
      (error: Error) => setProblem(error.message),
    )
  }, [uri, connection])
  const origins = Object.values(needs).flat()
  return (
    <section class="app" aria-label="App">
      <p class="hint">
        App <code>{uri}</code>, in a frame of its own without network
      </p>
      {origins.length > 0 && (
        <p class="hint">It asks for {origins.join(', ')}, which this page does not allow.</p>
      )}
      {problem && <p class="problem">{problem}</p>}
      {html !== undefined && <Frame {...props} html={html} />}
    </section>
  )
}

interface FrameProps extends AppViewProps {
  readonly html: string
}

function Frame({ html, ...props }: FrameProps) {
  const frame = useRef<HTMLIFrameElement>(null)
  const [height, setHeight] = useState(300)
  const [wishes, setWishes] = useState<readonly string[]>([])
  const [link, setLink] = useState<string>()
  const current = useRef(props)
  current.current = props
  useEffect(() => {
    let isWritten = false
    let requests = 0
    const post = (message: JsonObject) => {
      // The frame has an opaque origin, which no target can name.
      frame.current?.contentWindow?.postMessage(message, '*')
    }
    const tell = (method: string, params: JsonObject) => post({ jsonrpc: '2.0', method, params })
    const note = (text: string) => setWishes((before) => [...before, text.slice(0, 500)].slice(-20))
    const show = { note, setLink }
    const receive = async ({ source, data }: MessageEvent<unknown>) => {
      if (source !== frame.current?.contentWindow || !isObject(data)) return
      if (data.ready === true && !isWritten) {
        isWritten = true
        post({ html })
        return
      }
      if (data.jsonrpc !== '2.0' || typeof data.method !== 'string') return
      const params = objectOf(data.params)
      if (data.method === 'ui/notifications/initialized') {
        tell('ui/notifications/tool-input', { arguments: current.current.input })
        tell('ui/notifications/tool-result', current.current.result)
      }
      if (data.method === 'ui/notifications/size-changed') {
        setHeight(Math.min(Math.max(numberOf(params.height) ?? 300, 60), MOST_HEIGHT))
      }
      if (!('id' in data)) return
      const reply = { jsonrpc: '2.0', id: data.id }
      try {
        if (++requests > MOST_REQUESTS) throw new Error('Too many requests')
        post({ ...reply, result: await answer(data.method, params, current.current, show) })
      } catch (error) {
        const message = error instanceof Error ? error.message : 'failed'
        post({ ...reply, error: { code: -32603, message } })
      }
    }
    const listener = (event: MessageEvent<unknown>) => {
      receive(event).catch(() => {})
    }
    addEventListener('message', listener)
    // The frame begins to load here, when its first message cannot be missed any more.
    if (frame.current) frame.current.src = `${ENDPOINT}?app-frame`
    return () => removeEventListener('message', listener)
  }, [html])
  return (
    <>
      <iframe
        ref={frame}
        class="app"
        title="App of the server"
        sandbox="allow-scripts"
        referrerpolicy="no-referrer"
        height={height}
      />
      {link !== undefined && (
        <p>
          The App wants to open <WebLink label={link} target={link} />
        </p>
      )}
      {wishes.length > 0 && (
        <details>
          <summary>{wishes.length} messages of the App</summary>
          <ul>
            {wishes.map((wish, i) => (
              <li key={i}>
                <bdi>{wish}</bdi>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

interface Show {
  readonly note: (text: string) => void
  readonly setLink: (url: string) => void
}

/** Answers a request of the App. */
async function answer(
  method: string,
  params: JsonObject,
  { connection, catalog, ask }: AppViewProps,
  { note, setLink }: Show,
): Promise<JsonObject> {
  switch (method) {
    case 'ping':
      return {}
    case 'ui/initialize':
      return {
        protocolVersion: textOf(params.protocolVersion) ?? '2026-01-26',
        hostInfo: CLIENT_INFO,
        hostCapabilities: { openLinks: {}, serverTools: {}, serverResources: {}, logging: {} },
        hostContext: {
          theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
          displayMode: 'inline',
          availableDisplayModes: ['inline'],
          locale: navigator.language,
          platform: 'web',
        },
      }
    case 'tools/call': {
      const tool = catalog.tools.find(({ name }) => name === params.name)
      if (!tool || !mayBeCalled(tool)) throw new Error('The App may not call this tool.')
      note(`It calls ${String(params.name)} ${pretty(params.arguments)}`)
      const { name } = tool
      return connection.request(
        'tools/call',
        { name, arguments: objectOf(params.arguments) },
        { ask },
      )
    }
    case 'resources/read':
      return connection.request('resources/read', { uri: String(params.uri) }, { ask })
    case 'ui/open-link':
      setLink(String(params.url))
      return {}
    case 'ui/message':
    case 'ui/update-model-context':
      note(`It tells the model ${pretty(params)}`)
      return {}
    case 'ui/request-display-mode':
      return { mode: 'inline' }
    default:
      throw new Error(`This page does not know the method ${method}.`)
  }
}

/** Tools without a visibility may be called by both, the model and Apps. */
function mayBeCalled({ _meta }: JsonObject): boolean {
  const { visibility } = objectOf(objectOf(_meta).ui)
  return !Array.isArray(visibility) || visibility.includes('app')
}
