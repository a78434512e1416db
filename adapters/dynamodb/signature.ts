/**
 * AWS Signature Version 4 of a request to DynamoDB: `POST /` with a JSON body.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface UnsignedRequest {
  /** Host name, with the port where it is not the scheme's own. */
  readonly host: string
  /** What follows the API version in `X-Amz-Target`, such as `GetItem`. */
  readonly operation: string
  readonly body: string
}

const SERVICE = 'dynamodb'
const API_VERSION = 'DynamoDB_20120810'
const CONTENT_TYPE = 'application/x-amz-json-1.0'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text)

/**
 * Signs for one region. The key that is derived from the secret, the day and the region is kept: deriving
 * it takes four of the six digests of a signature.
 */
export function createSigner(region: string) {
  let derived: { secret: string; day: string; key: Buffer } | undefined

  function signingKey(secret: string, day: string): Buffer {
    if (derived?.secret === secret && derived.day === day) return derived.key
    const dayKey = hmac(`AWS4${secret}`, day).digest()
    const regionKey = hmac(dayKey, region).digest()
    const serviceKey = hmac(regionKey, SERVICE).digest()
    const key = hmac(serviceKey, 'aws4_request').digest()
    derived = { secret, day, key }
    return key
  }

  /** The headers of the signed request. `now` is the time by DynamoDB's clock, in epoch milliseconds. */
  return function sign(
    { host, operation, body }: UnsignedRequest,
    { accessKeyId, secretAccessKey, sessionToken }: Credentials,
    now: number,
  ): Record<string, string> {
    // 20260728T120000Z
    const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '')
    const day = time.slice(0, 8)
    // In the order of their names, as the signature wants them.
    const signed: Record<string, string> = {
      'content-type': CONTENT_TYPE,
      host,
      'x-amz-date': time,
      ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
      'x-amz-target': `${API_VERSION}.${operation}`,
    }
    const names = Object.keys(signed).join(';')
    const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`)
    const request = `POST\n/\n\n${lines.join('')}\n${names}\n${sha256(body)}`
    const scope = `${day}/${region}/${SERVICE}/aws4_request`
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(request)}`
    const signature = hmac(signingKey(secretAccessKey, day), text).digest('hex')
    return {
      ...signed,
      'content-length': String(Buffer.byteLength(body)),
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    }
  }
}
