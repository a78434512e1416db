/** Every HTTP request of the page with its response, as they went over the wire. */
import { prettyText } from './json.ts'
import type { HttpRecord } from './mcp/http.ts'

export function HttpLog({ records }: { readonly records: readonly HttpRecord[] }) {
  return (
    <aside aria-label="HTTP">
      <h2>HTTP</h2>
      <p class="hint">Each request of this page, newest first. The token is left out.</p>
      <ol class="records">
        {records.map((record) => (
          <li key={record.id}>
            <details>
              <summary>
                <bdi>{record.title}</bdi> <small>{statusOf(record)}</small>
              </summary>
              <h3>Request</h3>
              <pre class="code">{`${record.method} ${new URL(record.url).pathname}\n${headersOf(record.requestHeaders)}`}</pre>
              {record.requestBody && <pre class="code">{prettyText(record.requestBody)}</pre>}
              <h3>Response</h3>
              {record.failure && <p class="problem">{record.failure}</p>}
              {record.responseHeaders && (
                <pre class="code">{`${record.status}\n${headersOf(record.responseHeaders)}`}</pre>
              )}
              {record.body && <pre class="code">{prettyText(record.body)}</pre>}
            </details>
          </li>
        ))}
      </ol>
    </aside>
  )
}

function statusOf({ status, startedAt, endedAt, failure }: HttpRecord): string {
  const time = endedAt === undefined ? 'open' : `${endedAt - startedAt} ms`
  return `${failure ?? status ?? '…'} · ${time}`
}

function headersOf(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')
}
