/** Checks sessions and streams: whether they are separate, end, arrive without delay, and can be resumed. */

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isObject, parseJson } from '../json.ts'
import type { Check, Finding, Verdict } from './check.ts'
import { errorFinding, verdict, warningFinding } from './check.ts'
import type { LegacySession } from './endpoint.ts'
import { resultOf, sessionHeaders } from './endpoint.ts'
import type { Exchange } from './exchange.ts'
import type { Target } from './target.ts'

/** Milliseconds, as in the client's own connection. */
const RECONNECTION_DELAY = 500

export const SESSION_CHECKS: readonly Check[] = [
  { id: 'sessions', title: 'Sessions', run: sessions },
  { id: 'isolation', title: 'Two clients at once', run: isolation },
  { id: 'streaming', title: 'Streaming', run: streaming },
  { id: 'resumption', title: 'Resumption', run: resumption },
  { id: 'idle', title: 'Idle stream', slow: true, run: idle },
]

/** Returns a session, or the reason why there is none. */
async function sessionOf(target: Target): Promise<LegacySession | string> {
  const closed = await target.closed()
  if (closed !== undefined) return closed
  return (await target.session()) ?? 'the server speaks no revision with sessions'
}

async function sessions(target: Target): Promise<Verdict> {
  const session = await sessionOf(target)
  if (typeof session === 'string') return { skipped: session }
  if (session.id === undefined) return { skipped: 'the server keeps no sessions' }
  const findings: Finding[] = []
  const unknown = await target.legacy({ ...session, id: randomUUID() }, 'tools/list')
  if (unknown.status !== 404) {
    findings.push(
      errorFinding(
        `An unknown session is answered with HTTP ${unknown.status}.`,
        'Clients open a new session only on 404; on anything else they stay stuck after a restart.',
        'Answer 404 to every session id that is unknown, expired or ended (MCP, Transports: Session Management).',
      ),
    )
  }
  const missing = await target.legacy({ ...session, id: undefined }, 'tools/list')
  if (missing.status !== 400) {
    findings.push(
      errorFinding(
        `A request without its session is answered with HTTP ${missing.status}.`,
        missing.status === 404
          ? 'A 404 tells the client that a session has ended which it never had.'
          : 'The server does not look for the session that it gave out itself.',
        'Answer 400 (MCP, Transports: Session Management).',
      ),
    )
  }
  const ended = await target.openSession()
  if (ended !== undefined) {
    const headers = sessionHeaders(ended)
    const { status } = await target.send({ method: 'DELETE', headers })
    const after = await target.legacy(ended, 'tools/list')
    if (status < 300 && after.status !== 404) {
      findings.push(
        errorFinding(
          `An ended session is answered with HTTP ${after.status}.`,
          'The end of a session does not reach every instance, or is read from a stale copy.',
          'Read sessions consistently, and answer 404 right after DELETE (MCP, Transports: Session Management).',
        ),
      )
    }
  }
  return verdict(findings, '404 when unknown or ended, 400 when missing')
}

async function isolation(target: Target): Promise<Verdict> {
  const mine = await sessionOf(target)
  if (typeof mine === 'string') return { skipped: mine }
  const other = await target.openSession()
  if (other === undefined) {
    return verdict([mixed('A second client cannot connect while the first one is there.')], '')
  }
  const greets = (await target.tools()).some(({ name }) => name === 'greet')
  // Both requests have the same id, because some servers use only the id and confuse the answers.
  const ask = async (session: LegacySession, name: string): Promise<Exchange | undefined> => {
    const options = { id: 7, timeout: 8_000 }
    const call = greets
      ? target.legacy(session, 'tools/call', { name: 'greet', arguments: { name } }, options)
      : target.legacy(session, 'ping', {}, options)
    return call.catch(() => undefined)
  }
  const names = [randomUUID(), randomUUID()] as const
  const answers = await Promise.all([ask(mine, names[0]), ask(other, names[1])])
  const findings = answers.flatMap((answer, index) => {
    const foreign = names[1 - index] ?? ''
    if (answer?.text.includes(foreign)) return [mixed("A client got the other client's answer.")]
    const own = !greets || answer?.text.includes(names[index] ?? '') === true
    const answered = answer !== undefined && resultOf(answer) !== undefined && own
    return answered ? [] : [mixed('A client got no answer once another one was connected.')]
  })
  return verdict(findings.slice(0, 1), 'each gets its own answers')
}

function mixed(what: string): Finding {
  return errorFinding(
    what,
    'One server object, or one transport, is shared by all clients.',
    'Keep nothing of one client where the next one replaces it.',
  )
}

const NO_STREAM = 'name a call that takes a while: --tool "<name> name=value …"'

async function streaming(target: Target): Promise<Verdict> {
  const closed = await target.closed()
  if (closed !== undefined) return { skipped: closed }
  const call = await target.streamingCall()
  if (call === undefined) return { skipped: NO_STREAM }
  const session = await target.session()
  const params = { ...call, _meta: { progressToken: 'doctor' } }
  const answer =
    session === undefined
      ? await target.modern('tools/call', { ...call })
      : await target.legacy(session, 'tools/call', params)
  const { total, headers } = answer
  // The first event of a stream may be empty: it only carries the id to resume from.
  const events = answer.events.filter(({ data }) => data !== '')
  const result = resultOf(answer)
  if (result === undefined || result.isError === true) {
    return { skipped: `the call of "${call.name}" failed` }
  }
  if (events.length < 2) {
    const type = headers.get('content-type') ?? 'no content type'
    return verdict(
      [
        warningFinding(
          `A call that takes ${Math.round(total)} ms says nothing meanwhile (${type}).`,
          'Its notifications are not sent, or are collected until its end.',
          'Answer with text/event-stream from the first notification on.',
        ),
      ],
      '',
    )
  }
  const times = events.map(({ at }) => Math.round(at))
  const spread = (times.at(-1) ?? 0) - (times[0] ?? 0)
  return verdict(
    total > 500 && spread < total / 5
      ? [
          errorFinding(
            `${events.length} events of a call came together after ${times[0]} ms.`,
            'Something between holds the answer back: an API without response streaming, a buffering proxy, compression.',
            'On API Gateway use a REST API with ResponseTransferMode RESPONSE_STREAM; in nginx, proxy_buffering off.',
          ),
        ]
      : [],
    `events at ${times.join(', ')} ms`,
  )
}

async function resumption(target: Target): Promise<Verdict> {
  const session = await sessionOf(target)
  if (typeof session === 'string') return { skipped: session }
  const call = await target.streamingCall()
  if (call === undefined) return { skipped: NO_STREAM }
  const id = 'resume'
  const params = { ...call, _meta: { progressToken: id } }
  const cut = await target.legacy(session, 'tools/call', params, {
    id,
    // Cut the stream at the first event with an id, so that the rest has to be resumed.
    until: (event) => event.id !== undefined,
  })
  const last = cut.events.at(-1)?.id
  if (last === undefined) return { skipped: 'the server numbers no events' }
  if (cut.events.some(({ data }) => answers(data, id))) {
    return { skipped: 'the call answers before its stream can be cut' }
  }
  // A client comes back after a pause, because a server may not notice at once that the stream was cut.
  await sleep(RECONNECTION_DELAY)
  const resumed = await target.send({
    method: 'GET',
    headers: {
      ...sessionHeaders(session),
      accept: 'text/event-stream',
      'last-event-id': last,
    },
    until: ({ data }) => answers(data, id),
  })
  const answered = resumed.events.some(({ data }) => answers(data, id))
  return verdict(
    answered
      ? []
      : [
          errorFinding(
            `A stream that was cut is not resumed (HTTP ${resumed.status}).`,
            'Events are numbered, but not kept where the instance that gets the next request can read them.',
            'Keep events in a shared store, or do not number them.',
          ),
        ],
    'the rest of a cut stream was delivered',
  )
}

function answers(data: string, id: string): boolean {
  const message = parseJson(data)
  return isObject(message) && message.id === id && 'result' in message
}

async function idle(target: Target): Promise<Verdict> {
  const session = await sessionOf(target)
  if (typeof session === 'string') return { skipped: session }
  const stream = await target.send({
    method: 'GET',
    headers: { ...sessionHeaders(session), accept: 'text/event-stream' },
    timeout: target.idleTime,
  })
  if (stream.status === 405) return { skipped: 'the server keeps no stream open (HTTP 405)' }
  const seconds = Math.round(stream.total / 1000)
  if (stream.total < target.idleTime * 0.95) {
    return verdict(
      [
        warningFinding(
          `A quiet stream was closed after ${seconds} s.`,
          'The server or something before it limits idle connections; what is said meanwhile is lost.',
          'Send keep-alive comments more often than that limit, or raise it.',
        ),
      ],
      '',
    )
  }
  return verdict(
    stream.text === ''
      ? [
          warningFinding(
            `A quiet stream carried nothing for ${seconds} s.`,
            'There are no keep-alive comments; proxies cut such connections, mostly after 30 to 60 s.',
            'Send a comment line every 15 s.',
          ),
        ]
      : [],
    `kept alive for ${seconds} s`,
  )
}
