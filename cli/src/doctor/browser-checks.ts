/** Checks what a page in a browser can do with the server, and what it must not be able to do. */

import type { Check, Finding, Verdict } from './check.ts'
import { errorFinding, verdict, warningFinding } from './check.ts'
import { LEGACY_VERSIONS, resultOf } from './endpoint.ts'
import type { Target } from './target.ts'

export const BROWSER_CHECKS: readonly Check[] = [
  { id: 'origin', title: 'Foreign pages', run: origin },
  { id: 'cors', title: 'Own pages', run: cors },
]

const FOREIGN_PAGE = { origin: 'https://attacker.example' }

async function origin(target: Target): Promise<Verdict> {
  const closed = await target.closed()
  if (closed !== undefined) return { skipped: closed }
  // This request works without an Origin, so a refusal with a foreign one is because of the Origin.
  const modern = resultOf(await target.discover()) !== undefined
  const answer = modern
    ? await target.modern('server/discover', {}, { headers: FOREIGN_PAGE })
    : await target.initialize(LEGACY_VERSIONS[0], { headers: FOREIGN_PAGE })
  if (resultOf(answer) === undefined) return { fine: `refused (HTTP ${answer.status})` }
  const id = answer.headers.get('mcp-session-id')
  if (id !== null) target.adopt({ id, version: LEGACY_VERSIONS[0], capabilities: {} })
  const what = 'A request of a page at https://attacker.example is answered.'
  const fix =
    'Answer 403 to every Origin that is not on a list (MCP, Transports: Security Warning).'
  return verdict(
    [
      target.isLocal
        ? errorFinding(
            what,
            'The server does not check Origin, so only the browser keeps pages from its tools.',
            fix,
          )
        : warningFinding(what, 'The server does not check Origin.', fix),
    ],
    '',
  )
}

const LEGACY_HEADERS = ['authorization', 'content-type', 'mcp-protocol-version', 'mcp-session-id']

/** 2026-07-28 has no sessions, and names the method in a separate header. */
const MODERN_HEADERS = [
  'authorization',
  'content-type',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
]

async function cors(target: Target): Promise<Verdict> {
  // This is the address of the MCP Inspector, the page that people open first.
  const page = 'http://localhost:6274'
  const asPage = { headers: { origin: page } }
  const modern = resultOf(await target.discover()) !== undefined
  const answer = await target.initialize(LEGACY_VERSIONS[0], asPage)
  const legacy = resultOf(answer) !== undefined
  const id = answer.headers.get('mcp-session-id')
  if (id !== null) target.adopt({ id, version: LEGACY_VERSIONS[0], capabilities: {} })
  // A server that refuses callers without a token does not show its eras, so a page needs all headers.
  const wanted = [
    ...new Set([
      ...(legacy || !modern ? LEGACY_HEADERS : []),
      ...(modern || !legacy ? MODERN_HEADERS : []),
    ]),
  ]
  const preflight = await target.get(target.url, {
    method: 'OPTIONS',
    headers: {
      origin: page,
      'access-control-request-method': 'POST',
      'access-control-request-headers': wanted.join(', '),
    },
  })
  if (preflight.status === 401) {
    return verdict(
      [
        errorFinding(
          'OPTIONS asks for a token.',
          'A browser never sends one with its preflight, so no page can use this server.',
          'Answer OPTIONS before authorization.',
        ),
      ],
      '',
    )
  }
  const allowed = preflight.headers.get('access-control-allow-origin')
  if (allowed === null) return { skipped: `pages at ${page} are not let in` }
  const findings: Finding[] = []
  const headers = listed(preflight.headers.get('access-control-allow-headers'))
  const refusedHeaders = headers.has('*') ? [] : wanted.filter((name) => !headers.has(name))
  // The wildcard does not include this header (Fetch standard, CORS non-wildcard request-header name).
  if (headers.has('*') && !headers.has('authorization')) refusedHeaders.push('authorization')
  if (refusedHeaders.length > 0) {
    findings.push(
      errorFinding(
        `Pages may not send ${refusedHeaders.join(', ')}.`,
        'Access-Control-Allow-Headers leaves them out, so the browser stops the request.',
        `Allow ${wanted.join(', ')}.`,
      ),
    )
  }
  const exposed = listed(answer.headers.get('access-control-expose-headers'))
  const needed = [
    ...(id === null ? [] : ['mcp-session-id']),
    ...((await target.guarded()) ? ['www-authenticate'] : []),
  ]
  const hidden = exposed.has('*') ? [] : needed.filter((name) => !exposed.has(name))
  if (hidden.length > 0) {
    findings.push(
      errorFinding(
        `Pages cannot read ${hidden.join(', ')}.`,
        'Access-Control-Expose-Headers leaves them out; a page can neither keep its session nor log in.',
        'Expose Mcp-Session-Id, MCP-Protocol-Version and WWW-Authenticate.',
      ),
    )
  }
  return verdict(findings, `let in from ${allowed}`)
}

function listed(header: string | null): Set<string> {
  return new Set((header ?? '').split(',').map((name) => name.trim().toLowerCase()))
}
