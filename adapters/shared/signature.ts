/**
 * AWS Signature Version 4 of a request without a query.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface UnsignedRequest {
  /** @default 'POST' */
  readonly method?: 'GET' | 'POST'
  /** Header names in lower case, `host` among them. All of them are signed. */
  readonly headers: Readonly<Record<string, string>>
  /** The path as it is sent, with its own escapes. @default '/' */
  readonly path?: string
  readonly body: string
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text)

/**
 * Signs for one service in one region. The key that is derived from the secret, the day and the region is
 * kept: deriving it takes four of the six digests of a signature.
 */
export function createSigner(service: string, region: string) {
  let derived: { secret: string; day: string; key: Buffer } | undefined

  function signingKey(secret: string, day: string): Buffer {
    if (derived?.secret === secret && derived.day === day) return derived.key
    const dayKey = hmac(`AWS4${secret}`, day).digest()
    const regionKey = hmac(dayKey, region).digest()
    const serviceKey = hmac(regionKey, service).digest()
    const key = hmac(serviceKey, 'aws4_request').digest()
    derived = { secret, day, key }
    return key
  }

  /** Returns the headers of the signed request. `now` is the time of the service's clock, in epoch milliseconds. */
  return function sign(
    { method = 'POST', headers, path = '/', body }: UnsignedRequest,
    { accessKeyId, secretAccessKey, sessionToken }: Credentials,
    now: number,
  ): Record<string, string> {
    // 20260728T120000Z
    const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '')
    const day = time.slice(0, 8)
    const signed: Record<string, string> = {
      ...headers,
      'x-amz-date': time,
      ...(sessionToken && { 'x-amz-security-token': sessionToken }),
    }
    const names = Object.keys(signed).sort()
    const lines = names.map((name) => `${name}:${signed[name]?.trim()}\n`).join('')
    const list = names.join(';')
    // Only S3 signs the path as it is sent; every other service escapes it once more.
    const request = `${method}\n${path.replaceAll('%', '%25')}\n\n${lines}\n${list}\n${sha256(body)}`
    const scope = `${day}/${region}/${service}/aws4_request`
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(request)}`
    const signature = hmac(signingKey(secretAccessKey, day), text).digest('hex')
    return {
      ...signed,
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${list}, Signature=${signature}`,
    }
  }
}
