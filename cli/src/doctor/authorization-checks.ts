/** Checks everything that a client needs to log in, from the refusal without a token to the claims of a token. */

import { checkResourceAllowed, extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import { isObject } from '../json.ts'
import type { Check, Finding, Verdict } from './check.ts'
import { errorFinding, verdict, warningFinding } from './check.ts'
import type { Target } from './target.ts'

const open: Verdict = { skipped: 'the server asks no one for a login' }
const withoutIssuer: Verdict = { skipped: 'a static token has no issuer' }

/** The reason why there is no issuer to examine, or undefined. */
async function noIssuer(target: Target): Promise<Verdict | undefined> {
  if (!(await target.guarded())) return open
  return (await target.wantsStaticToken()) ? withoutIssuer : undefined
}

export const AUTHORIZATION_CHECKS: readonly Check[] = [
  { id: 'open-initialize', title: 'No way in without a token', run: openInitialize },
  { id: 'challenge', title: 'Challenge', run: challenge },
  { id: 'resource-metadata', title: 'Resource metadata', run: resourceMetadata },
  { id: 'resource', title: 'Resource name', run: resource },
  { id: 'issuer', title: 'Issuer metadata', run: issuer },
  { id: 'registration', title: 'PKCE and registration', run: registration },
]

async function openInitialize(target: Target): Promise<Verdict> {
  if (!(await target.guarded())) return open
  const ways = {
    initialize: await target.initialize('2025-11-25', { anonymous: true }),
    'server/discover': await target.anonymousDiscover(),
    'tools/list': await target.anonymousList(),
  }
  const findings = Object.entries(ways)
    .filter(([, { status }]) => status === 200)
    .map(([method]) =>
      errorFinding(
        `\`${method}\` is answered without a token.`,
        'The server leaves this method out of its authorization: strangers open sessions and learn what it is.',
        'Verify the token before looking at the method.',
      ),
    )
  return verdict(findings, 'refused everywhere')
}

async function challenge(target: Target): Promise<Verdict> {
  const refusal = await target.challenge()
  if (refusal === undefined) return open
  const header = refusal.headers.get('www-authenticate')
  if (header === null) {
    const renamed = refusal.headers.has('x-amzn-remapped-www-authenticate')
    return verdict(
      [
        renamed
          ? errorFinding(
              'The challenge came as x-amzn-Remapped-www-authenticate.',
              'API Gateway renames the header when the function itself sends it; clients do not find it.',
              'Refuse in an authorizer, and set WWW-Authenticate in the gateway response UNAUTHORIZED.',
            )
          : errorFinding(
              'The 401 has no WWW-Authenticate.',
              'A client cannot see that OAuth is meant, nor where the metadata is.',
              'Send WWW-Authenticate: Bearer resource_metadata="<url>" with every 401.',
            ),
      ],
      '',
    )
  }
  const findings: Finding[] = []
  const parameters = extractWWWAuthenticateParams(new Response(null, { headers: refusal.headers }))
  const isStatic = await target.wantsStaticToken()
  if (parameters.resourceMetadataUrl === undefined && !isStatic) {
    findings.push(
      /resource_metadata_uri=/.test(header)
        ? errorFinding(
            'The challenge says `resource_metadata_uri`.',
            'The parameter has another name, so no client reads it.',
            'Call it `resource_metadata` (RFC 9728 section 5.1).',
          )
        : warningFinding(
            'The challenge does not say where the metadata is.',
            '`resource_metadata` is missing or not a URL; clients have to guess well-known places.',
            'Add resource_metadata="<url>" to the challenge (RFC 9728 section 5.1).',
          ),
    )
  }
  if (parameters.error === 'invalid_token') {
    findings.push(
      warningFinding(
        'A caller without a token is told `invalid_token`.',
        'The server does not tell a missing token from a bad one; clients throw good ones away.',
        'Leave `error` out when no token was sent (RFC 6750 section 3.1).',
      ),
    )
  }
  return verdict(findings, isStatic ? 'asks for a static token' : 'as clients expect it')
}

async function resourceMetadata(target: Target): Promise<Verdict> {
  const skipped = await noIssuer(target)
  if (skipped !== undefined) return skipped
  const { header, path, root } = await target.metadata()
  const findings: Finding[] = []
  const isDocument = (place: typeof header): boolean =>
    place?.answer.status === 200 && isObject(place.answer.json)
  if (header !== undefined && !isDocument(header)) {
    findings.push(
      errorFinding(
        `The challenge names ${header.url.href}, which answers HTTP ${header.answer.status}.`,
        'The server builds the address from another name or path than it is reached by.',
        'Set the public URL of the server in its configuration.',
      ),
    )
  }
  const places = [header, path, root]
  const document = places.find(isDocument)?.answer.json
  if (document === undefined) {
    const guarded = places.some((place) => [401, 403].includes(place?.answer.status ?? 0))
    findings.push(
      errorFinding(
        'There is no protected-resource metadata, at the header, the path or the root.',
        guarded
          ? 'The well-known address itself asks for a token; an authorizer covers too much.'
          : 'The server does not serve it, so a client cannot learn who issues tokens.',
        guarded
          ? 'Leave /.well-known/* out of authorization.'
          : `Serve it at ${path.url.href} (RFC 9728).`,
      ),
    )
  } else {
    const servers = (document as Record<string, unknown>).authorization_servers
    const valid =
      Array.isArray(servers) && servers.length > 0 && servers.every((one) => URL.canParse(one))
    if (!valid) {
      findings.push(
        errorFinding(
          '`authorization_servers` is not a list of URLs.',
          'It is missing, empty, or holds objects; clients look for strings.',
          'List the issuers as strings, as in ["https://issuer.example"] (RFC 9728 section 2).',
        ),
      )
    }
  }
  const found = Object.entries({ header, path, root })
    .filter(([, place]) => isDocument(place))
    .map(([name]) => name)
  return verdict(findings, `at the ${found.join(', ')}`)
}

async function resource(target: Target): Promise<Verdict> {
  const skipped = await noIssuer(target)
  if (skipped !== undefined) return skipped
  const name = (await target.resource())?.resource
  if (name === undefined) return { skipped: 'no metadata that names it' }
  const fix = `Make \`resource\` equal to ${target.url.href}, or connect by the name it has.`
  if (typeof name !== 'string' || !URL.canParse(name)) {
    return verdict(
      [
        errorFinding(
          `\`resource\` is ${JSON.stringify(name)}.`,
          'It has to be the URL of the server.',
          fix,
        ),
      ],
      '',
    )
  }
  const covers = checkResourceAllowed({
    requestedResource: target.url.href,
    configuredResource: name,
  })
  return verdict(
    covers
      ? []
      : [
          errorFinding(
            `The metadata is for ${name}.`,
            'Clients refuse metadata of another address than they asked (RFC 9728 section 3.3); localhost and 127.0.0.1 differ.',
            fix,
          ),
        ],
    name,
  )
}

async function issuer(target: Target): Promise<Verdict> {
  const skipped = await noIssuer(target)
  if (skipped !== undefined) return skipped
  const issuer = await target.issuer()
  if (issuer === undefined) return { skipped: 'no metadata that names an issuer' }
  if (issuer.found === undefined) {
    return verdict(
      [
        errorFinding(
          `The issuer ${issuer.name} has no metadata.`,
          `None of ${issuer.tried.map(({ href }) => href).join(', ')} is a JSON document.`,
          'Check `authorization_servers`: it wants the issuer, not its login page (for Cognito the cognito-idp URL of the pool).',
        ),
      ],
      '',
    )
  }
  const metadata = issuer.found.answer.json as Record<string, unknown>
  const findings: Finding[] = []
  if (metadata.issuer !== issuer.name) {
    findings.push(
      errorFinding(
        `The metadata of ${issuer.name} says that its issuer is ${String(metadata.issuer)}.`,
        'The server names the issuer differently than it names itself; clients take that for an attack.',
        'Write the issuer in `authorization_servers` character by character as it names itself.',
      ),
    )
  }
  for (const name of ['authorization_endpoint', 'token_endpoint']) {
    const endpoint = metadata[name]
    if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) {
      findings.push(
        errorFinding(
          `The metadata has no ${name}.`,
          'No one can log in there.',
          'Repair the issuer.',
        ),
      )
    } else if (!isSafe(new URL(endpoint))) {
      findings.push(
        errorFinding(
          `The ${name} is not https.`,
          'Codes and tokens would travel in clear; clients refuse.',
          'Serve the issuer over https.',
        ),
      )
    }
  }
  return verdict(findings, issuer.name)
}

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

async function registration(target: Target): Promise<Verdict> {
  const skipped = await noIssuer(target)
  if (skipped !== undefined) return skipped
  const metadata = (await target.issuer())?.found?.answer.json
  if (!isObject(metadata)) return { skipped: 'no metadata of an issuer' }
  const findings: Finding[] = []
  const methods = metadata.code_challenge_methods_supported
  if (!Array.isArray(methods) || !methods.includes('S256')) {
    findings.push(
      errorFinding(
        'The issuer does not announce PKCE with S256.',
        'Clients must refuse such an issuer, although it may support PKCE (Amazon Cognito does).',
        'Serve its metadata through a façade that adds code_challenge_methods_supported.',
      ),
    )
  }
  const ways = [
    ...(metadata.client_id_metadata_document_supported === true ? ['metadata documents'] : []),
    ...(typeof metadata.registration_endpoint === 'string' ? ['registration'] : []),
  ]
  if (ways.length === 0) {
    findings.push(
      warningFinding(
        'The issuer registers no clients by itself.',
        'It offers neither client-id metadata documents nor dynamic registration.',
        'Give your users a client id (OAUTH_CLIENT_ID), or turn on one of the two.',
      ),
    )
  }
  return verdict(findings, `S256, ${ways.join(' and ')}`)
}
