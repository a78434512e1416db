/** A stand-in for AWS STS over HTTP: AssumeRole, for the roles it is told of. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeSts {
  readonly url: string
  /** ARNs asked for. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

/** Gives credentials with this access key for these roles, and refuses all others. */
export async function startFakeSts(roles: Readonly<Record<string, string>>): Promise<FakeSts> {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
