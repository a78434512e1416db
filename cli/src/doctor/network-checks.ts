/** Checks whether the server can be reached, with TLS, which protocol it speaks, and its clock. */

import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { connect } from 'node:tls'
import { toProblem } from '../errors.ts'
import { isObject } from '../json.ts'
import type { Check, Finding, Verdict } from './check.ts'
import { errorFinding, verdict, warningFinding } from './check.ts'
import { errorCodeOf, LEGACY_VERSIONS, MODERN_VERSION, resultOf } from './endpoint.ts'
import type { Target } from './target.ts'

export const NETWORK_CHECKS: readonly Check[] = [
  { id: 'reachable', title: 'Reachable', run: reachable },
  { id: 'tls', title: 'Encrypted', run: tls },
  { id: 'clock', title: 'Clock', run: clock },
  { id: 'revisions', title: 'Revisions', run: revisions },
]

async function reachable(target: Target): Promise<Verdict> {
  let answer: Awaited<ReturnType<Target['anonymousDiscover']>>
  try {
    answer = await target.anonymousDiscover()
  } catch (error) {
    const { message, next } = toProblem(error, target.url.href)
    return {
      findings: [errorFinding(message, 'The connection failed.', next ?? 'Check the address.')],
    }
  }
  const { status, headers, json, firstByte } = answer
  const location = headers.get('location')
  if (status >= 300 && status < 400 && location !== null) {
    return verdict(
      [
        errorFinding(
          `The endpoint redirects to ${location}.`,
          'Clients do not repeat a POST, or send a token, at another address.',
          `Connect to ${new URL(location, target.url).href} itself.`,
        ),
      ],
      '',
    )
  }
  const isMcp = isObject(json) || status === 401 || status === 403
  if (!isMcp) {
    const type = headers.get('content-type') ?? 'no content type'
    return verdict(
      [
        errorFinding(
          `HTTP ${status} (${type}) is not an answer of an MCP endpoint.`,
          'The path, the stage or the host is another one than the endpoint has.',
          'Check the path: it often ends in /mcp, on API Gateway after the stage.',
        ),
      ],
      '',
    )
  }
  return { fine: `answers after ${Math.round(firstByte)} ms` }
}

/** The days before its end from which a certificate gets a warning, so that there is time to renew it. */
const DAYS_TO_WARN = 14

async function tls(target: Target): Promise<Verdict> {
  const { url } = target
  if (url.protocol === 'http:') {
    if (target.isLocal) return { fine: 'plain HTTP, on this machine only' }
    return verdict(
      [
        errorFinding(
          'The connection is not encrypted.',
          'http:// on another machine than this one: tokens and results travel in clear.',
          'Serve it over https://, by a certificate or a proxy that has one.',
        ),
      ],
      '',
    )
  }
  const certificate = await certificateOf(url)
  const days = Math.floor((Date.parse(certificate.valid_to) - target.now()) / 86_400_000)
  return verdict(
    days < DAYS_TO_WARN
      ? [
          warningFinding(
            `The certificate ends in ${days} days.`,
            'It was not renewed yet.',
            'Renew it, and see to it that this happens by itself.',
          ),
        ]
      : [],
    `certificate valid for ${days} days`,
  )
}

function certificateOf(url: URL): Promise<PeerCertificate> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // An address is not a server name (RFC 6066 section 3).
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host, port: Number(url.port || 443), ...servername, timeout: 10_000 },
      () => {
        resolve(socket.getPeerCertificate())
        socket.destroy()
      },
    )
    socket.once('timeout', () => socket.destroy(new Error('The TLS handshake took too long.')))
    socket.once('error', reject)
  })
}

async function clock(target: Target): Promise<Verdict> {
  const date = (await target.anonymousDiscover()).headers.get('date')
  if (date === null) return { skipped: 'the server sends no Date' }
  const seconds = Math.round((Date.parse(date) - target.now()) / 1000)
  const off = Math.abs(seconds)
  return verdict(
    off > 60
      ? [
          errorFinding(
            `The server's clock is ${off} s ${seconds > 0 ? 'ahead of' : 'behind'} ours.`,
            'One of the two machines has the wrong time; fresh tokens look expired or not yet valid.',
            'Set both clocks by NTP.',
          ),
        ]
      : [],
    `within ${Math.max(1, off)} s`,
  )
}

async function revisions(target: Target): Promise<Verdict> {
  const closed = await target.closed()
  if (closed !== undefined) return { skipped: closed }
  const findings: Finding[] = []
  const offered: string[] = []
  for (const version of LEGACY_VERSIONS) {
    const session = await target.openSession(version)
    if (session?.version === version) offered.push(version)
    if (session !== undefined && session.version >= MODERN_VERSION) {
      findings.push(
        errorFinding(
          `\`initialize\` negotiates ${session.version}.`,
          'That revision has no `initialize`; clients that trust the answer break.',
          'Answer `initialize` with 2025-11-25 or earlier only (MCP, Lifecycle: Version Negotiation).',
        ),
      )
    }
  }
  if (offered.length > 0) {
    const unknown = resultOf(await target.initialize('1900-01-01'))?.protocolVersion
    if (typeof unknown !== 'string') {
      findings.push(
        warningFinding(
          'An `initialize` with an unknown revision is refused.',
          'The server does not offer another revision instead, so newer clients cannot connect.',
          'Answer it with the latest revision that the server supports (MCP, Lifecycle: Version Negotiation).',
        ),
      )
    }
  }
  const discover = await target.discover()
  const supported = resultOf(discover)?.supportedVersions
  if (Array.isArray(supported)) offered.unshift(...supported.map(String))
  else if (discover.status >= 500 || errorCodeOf(discover) === -32603) {
    findings.push(
      errorFinding(
        `\`server/discover\` fails (HTTP ${discover.status}).`,
        'Clients of 2026 ask this first, and take a failure for an outage.',
        'Answer unknown methods with a JSON-RPC error -32601 and a status below 500.',
      ),
    )
  }
  if (offered.length === 0) {
    findings.push(
      errorFinding(
        'No revision of the protocol works.',
        'Neither `initialize` nor `server/discover` has a result.',
        'Look at the answers with --debug, and check that this is an MCP endpoint.',
      ),
    )
  }
  return verdict(findings, [...new Set(offered)].join(', '))
}
