/** A stand-in for AWS STS over HTTP: AssumeRole for the given roles. */
import type { Listener } from './listener.ts'
import { listen } from './listener.ts'

export interface FakeSts extends Listener {
  /** The requested ARNs. */
  readonly asked: readonly string[]
}

/** Returns credentials with this access key for these roles, and refuses all others. */
export async function startFakeSts(roles: Readonly<Record<string, string>>): Promise<FakeSts> {
  const asked: string[] = []
  const listener = await listen(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const role = form.get('RoleArn') ?? ''
    asked.push(role)
    const key = roles[role]
    if (form.get('Action') !== 'AssumeRole' || key === undefined) {
      response.writeHead(403, { 'content-type': 'text/xml' })
      response.end(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
        <Type>Sender</Type><Code>AccessDenied</Code><Message>secret detail of STS</Message>
        </Error><RequestId>1</RequestId></ErrorResponse>`)
      return
    }
    response.writeHead(200, { 'content-type': 'text/xml' })
    response.end(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleResult><Credentials><AccessKeyId>${key}</AccessKeyId>
      <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
      <Expiration>${new Date(Date.now() + 900_000).toISOString()}</Expiration></Credentials>
      <AssumedRoleUser><Arn>${role}/session</Arn><AssumedRoleId>id:session</AssumedRoleId>
      </AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`)
  })
  return {
    ...listener,
    asked,
  }
}
