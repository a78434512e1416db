/** Turns every error of the library, the network and the protocol into a sentence with its next step. */

import {
  InsecureTokenEndpointError,
  IssuerMismatchError,
  MissingRequiredClientCapabilityError,
  OAuthError,
  ProtocolError,
  RegistrationRejectedError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnsupportedProtocolVersionError,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/client'
import { causes, exitCodes, findCause, Problem } from './problem.ts'
import { BROKEN_STREAM } from './transport.ts'

const { failed, unauthorized, unreachable, interrupted } = exitCodes

/** Turns an error into a problem. `url` is the server, which the sentence names. */
export function toProblem(error: unknown, url: string): Problem {
  return (
    findCause(error, Problem) ??
    cancelled(error) ??
    authorization(error) ??
    network(error, url) ??
    http(error, url) ??
    protocol(error, url) ??
    new Problem(error instanceof Error ? error.message : String(error), { cause: error })
  )
}

function cancelled(error: unknown): Problem | undefined {
  const aborted = causes(error).some((cause) => (cause as Error).name === 'AbortError')
  return aborted ? new Problem('Cancelled.', { exit: interrupted, cause: error }) : undefined
}

function authorization(error: unknown): Problem | undefined {
  const issuer = findCause(error, IssuerMismatchError)
  if (issuer !== undefined) {
    // In a mix-up attack (D32) this text comes from the attacker, so it is not shown.
    return new Problem('The login was answered by another issuer than the one that was asked.', {
      exit: unauthorized,
      next: `Check the server's metadata with \`doctor\`; expected ${issuer.expected ?? 'none'}.`,
      cause: error,
    })
  }
  const rejected = findCause(error, RegistrationRejectedError)
  if (rejected !== undefined) {
    return new Problem(
      `The issuer refuses to register this client (HTTP ${rejected.status}): ${rejected.body.slice(0, 300)}`,
      { exit: unauthorized, next: 'Register one there and set OAUTH_CLIENT_ID.', cause: error },
    )
  }
  const insecure = findCause(error, InsecureTokenEndpointError)
  if (insecure !== undefined) {
    return new Problem(`The token endpoint ${insecure.tokenEndpoint} is not https.`, {
      exit: unauthorized,
      next: 'The issuer has to be repaired; tokens are never sent in clear.',
      cause: error,
    })
  }
  const oauth = findCause(error, OAuthError)
  if (oauth !== undefined) {
    return new Problem(`The issuer answered "${oauth.code}": ${oauth.message}`, {
      exit: unauthorized,
      next: oauth.code === 'access_denied' ? 'Run `auth login` to try again.' : undefined,
      cause: error,
    })
  }
  const texts = causes(error).map((cause) => (cause instanceof Error ? cause.message : ''))
  if (texts.some((text) => text.includes('does not support dynamic client registration'))) {
    return new Problem('The issuer registers no clients by itself.', {
      exit: unauthorized,
      next: 'Register one there and set OAUTH_CLIENT_ID (and OAUTH_REDIRECT_URI).',
      cause: error,
    })
  }
  const resource = texts.find((text) => text.startsWith('Protected resource '))
  if (resource === undefined) return undefined
  return new Problem(`The server's metadata is for another address. ${resource}.`, {
    exit: unauthorized,
    next: 'Connect by the address that the metadata names as `resource`.',
    cause: error,
  })
}

const networkErrors: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: ['nothing listens there', 'Start the server, or check the port.'],
  ENOTFOUND: ['there is no such host', 'Check the name.'],
  EAI_AGAIN: ['the name could not be resolved', 'Check the name and the network.'],
  ETIMEDOUT: ['it does not answer', 'Check the address, and any firewall between.'],
  UND_ERR_CONNECT_TIMEOUT: ['it does not answer', 'Check the address, and any firewall between.'],
  UND_ERR_HEADERS_TIMEOUT: [
    'it took the request and sent nothing',
    'Look at the log of the server.',
  ],
  ECONNRESET: ['it closed the connection', 'Look at the log of the server.'],
  UND_ERR_SOCKET: ['it closed the connection', 'Look at the log of the server.'],
  EPROTO: ['it does not speak TLS there', 'Try http:// instead of https://, or another port.'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['it does not speak TLS there', 'Try http:// or another port.'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['it does not speak TLS there', 'Try http:// or another port.'],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'Renew the certificate.'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed', 'Set NODE_EXTRA_CA_CERTS to it.'],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate chain is private', 'Set NODE_EXTRA_CA_CERTS.'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'its certificate chain is incomplete',
    'Serve the intermediate certificate too, or set NODE_EXTRA_CA_CERTS.',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', 'Check the host name.'],
}

/** Finds the network's error code of a failed `fetch` among the causes. */
function networkCode(error: unknown): string | undefined {
  for (const cause of causes(error)) {
    const { code, errors } = cause as { code?: unknown; errors?: unknown }
    if (typeof code === 'string' && code in networkErrors) return code
    // Node tries every address of a host name and reports all failures in one error.
    if (Array.isArray(errors)) for (const one of errors) return networkCode(one)
  }
  return undefined
}

function network(error: unknown, url: string): Problem | undefined {
  const code = networkCode(error)
  const known = code === undefined ? undefined : networkErrors[code]
  if (known === undefined) return undefined
  const [what, next] = known
  return new Problem(`Cannot reach ${url}: ${what} (${code}).`, {
    exit: unreachable,
    next,
    cause: error,
  })
}

function http(error: unknown, url: string): Problem | undefined {
  const refusal = findCause(error, SdkHttpError)
  if (refusal === undefined) return undefined
  const { status } = refusal
  const problem = (message: string, next: string, exit: Problem['exit'] = failed): Problem =>
    new Problem(message, { next, exit, cause: error })
  if (status === 401)
    return problem('The server asks for a login.', 'Run `auth login`.', unauthorized)
  if (status === 403) {
    return problem(
      'The server denies access (HTTP 403).',
      'Check the rights of the login.',
      unauthorized,
    )
  }
  if (status === 404 || status === 405) {
    return problem(
      `${url} is not an MCP endpoint (HTTP ${status}).`,
      'Check the path; it often ends in /mcp.',
      unreachable,
    )
  }
  if (status === 429) return problem('The server limits the rate (HTTP 429).', 'Try again later.')
  if (status >= 500) {
    return problem(
      `The server failed (HTTP ${status}).`,
      'Look at its log, or try again.',
      unreachable,
    )
  }
  return problem(
    `The server refused the request (HTTP ${status}).`,
    `\`debug on\` shows the exchange; \`doctor ${url}\` looks for the cause.`,
  )
}

function protocol(error: unknown, url: string): Problem | undefined {
  const version = findCause(error, UnsupportedProtocolVersionError)
  if (version !== undefined) {
    const message = `The server speaks only ${version.supported.join(', ')}.`
    return new Problem(message, { next: 'Connect with --era auto.', cause: error })
  }
  const links = findCause(error, UrlElicitationRequiredError)
  if (links !== undefined) {
    const pages = links.elicitations.map(({ message, url: page }) => `${message}: ${page}`)
    return new Problem(`The server needs you to visit a page first. ${pages.join('; ')}`, {
      next: 'Open it, finish what it asks, and call again.',
      cause: error,
    })
  }
  const lacking = findCause(error, MissingRequiredClientCapabilityError)
  if (lacking !== undefined) {
    const names = Object.keys(lacking.requiredCapabilities).join(', ')
    return new Problem(`This operation asks the client for ${names}.`, {
      next: 'Run it in the interactive session, or with --answer.',
      cause: error,
    })
  }
  const answered = findCause(error, ProtocolError)
  if (answered?.message === BROKEN_STREAM) {
    return new Problem('The connection broke before the answer came.', {
      exit: unreachable,
      next: 'The operation may have been carried out: check before you repeat it.',
      cause: error,
    })
  }
  if (answered !== undefined) {
    return new Problem(`The server answered with error ${answered.code}: ${answered.message}`, {
      next: answered.code === -32602 ? 'Check the name and the arguments.' : undefined,
      cause: error,
    })
  }
  const local = (code: SdkErrorCode): SdkError | undefined =>
    causes(error).find((cause): cause is SdkError => {
      return cause instanceof SdkError && cause.code === code
    })
  if (local(SdkErrorCode.RequestTimeout) !== undefined) {
    return new Problem('The server did not answer in time.', {
      exit: unreachable,
      next: 'Give it longer with --timeout <seconds>.',
      cause: error,
    })
  }
  const content = local(SdkErrorCode.ClientHttpUnexpectedContent)
  if (content !== undefined) {
    return new Problem(`${url} did not answer as an MCP endpoint: ${content.message}.`, {
      exit: unreachable,
      next: 'Check the address.',
      cause: error,
    })
  }
  if (local(SdkErrorCode.EraNegotiationFailed) !== undefined) {
    const deepest = causes(error).at(-1)
    const why = deepest instanceof Error ? deepest.message : String(deepest)
    return new Problem(`Cannot reach ${url}: ${why}.`, {
      exit: unreachable,
      next: `Check the address; \`doctor ${url}\` looks for the cause.`,
      cause: error,
    })
  }
  return undefined
}
