/** Compares the claims of the user's token with the server's answer to it. */

import { isObject, parseJson } from '../json.ts'
import type { Check, Finding, Verdict } from './check.ts'
import { errorFinding, verdict } from './check.ts'
import type { Target } from './target.ts'

export const tokenCheck: Check = { id: 'token', title: 'Token', run: token }

async function token(target: Target): Promise<Verdict> {
  if (!(await target.guarded())) return { skipped: 'the server asks no one for a login' }
  if (target.token === undefined) {
    const isStatic = await target.wantsStaticToken()
    const next = isStatic ? 'set ACCESS_TOKEN' : 'run `auth login`'
    return { skipped: `no token at hand: ${next}` }
  }
  const { status } = await target.discover()
  const accepted = status !== 401 && status !== 403
  const claims = claimsOf(target.token)
  if (claims === undefined) {
    if (accepted) return { fine: 'accepted; not a JWT, so its claims cannot be seen' }
    return verdict([refused('The token is not in a form that we can read.')], '')
  }
  const metadata = await target.resource()
  const reasons = claimErrors(claims, metadata, target)
  if (accepted) {
    const expired = typeof claims.exp === 'number' && claims.exp * 1000 < target.now() - 300_000
    const foreign = claims.aud !== undefined && !audienceFits(claims.aud, metadata, target)
    return verdict(
      [
        ...(expired ? [tooLenient('expired', 'the expiry')] : []),
        ...(foreign ? [tooLenient('made for another resource', 'the audience')] : []),
      ],
      'accepted',
    )
  }
  return verdict(
    reasons.length > 0 ? reasons : [refused('Its claims look right: is the signing key known?')],
    '',
  )
}

function refused(cause: string): Finding {
  return errorFinding(
    'The server refuses the token.',
    cause,
    'Run `auth login` to get a fresh one.',
  )
}

function tooLenient(what: string, check: string): Finding {
  return errorFinding(
    `The server accepts a token that is ${what}.`,
    `It does not check ${check}: anyone with an old or foreign token gets in.`,
    `Verify ${check} of each token.`,
  )
}

function claimErrors(
  claims: Record<string, unknown>,
  metadata: Record<string, unknown> | undefined,
  target: Target,
): Finding[] {
  const now = target.now() / 1000
  const findings: Finding[] = []
  if (typeof claims.exp === 'number' && claims.exp < now) findings.push(refused('It has expired.'))
  if (typeof claims.nbf === 'number' && claims.nbf > now) {
    findings.push(refused('It is not valid yet: compare the clocks.'))
  }
  const servers = metadata?.authorization_servers
  if (Array.isArray(servers) && !servers.includes(claims.iss)) {
    findings.push(
      refused(`It is of the issuer ${String(claims.iss)}, which the server does not name.`),
    )
  }
  if (claims.aud !== undefined && !audienceFits(claims.aud, metadata, target)) {
    findings.push(refused(`Its audience is ${JSON.stringify(claims.aud)}, not this server.`))
  }
  if (claims.token_use === 'id') findings.push(refused('It is an ID token, not an access token.'))
  return findings
}

function audienceFits(
  audience: unknown,
  metadata: Record<string, unknown> | undefined,
  { url }: Target,
): boolean {
  const names = [metadata?.resource, url.href]
  return [audience].flat().some((one) => names.includes(one))
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return undefined
  const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'))
  return isObject(claims) ? claims : undefined
}
