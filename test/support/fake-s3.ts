/** A stand-in for S3's ListBuckets over HTTP, with pages and errors. Clients reach it through `AWS_ENDPOINT_URL_S3`. */
import type { Listener } from './listener.ts'
import { listen } from './listener.ts'

export interface FakeS3 extends Listener {
  /** Continuation tokens that were sent, in order; the first request has none. */
  readonly tokens: readonly (string | null)[]
}

export async function startFakeS3(
  buckets: number,
  refuse?: (index: number) => { code: string; status: number } | undefined,
): Promise<FakeS3> {
  const tokens: (string | null)[] = []
  const listener = await listen((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const signed = /\/s3\/aws4_request/.test(request.headers.authorization ?? '')
    const refusal = signed ? refuse?.(tokens.length) : { code: 'AccessDenied', status: 403 }
    const token = url.searchParams.get('continuation-token')
    tokens.push(token)
    response.setHeader('content-type', 'application/xml')
    if (refusal) {
      response.statusCode = refusal.status
      response.end(
        `<Error><Code>${refusal.code}</Code><Message>secret detail of S3</Message></Error>`,
      )
      return
    }
    // Without max-buckets AWS returns up to 10,000 and no token.
    const size = Number(url.searchParams.get('max-buckets') ?? 10_000)
    const start = token ? Number(atob(token)) : 0
    const end = Math.min(start + size, buckets)
    const names = Array.from({ length: end - start }, (_, index) => `bucket-${start + index}`)
    response.end(
      `<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets>${names
        .map((name) => `<Bucket><Name>${name}</Name></Bucket>`)
        .join('')}</Buckets>${
        end < buckets ? `<ContinuationToken>${btoa(String(end))}</ContinuationToken>` : ''
      }</ListAllMyBucketsResult>`,
    )
  })
  return {
    ...listener,
    tokens,
  }
}
