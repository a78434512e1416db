/** `count_s3_buckets`: how many buckets the server's AWS account has. */
import * as v from 'valibot'
import type { Mcp } from '../../src/index.ts'
import { failure } from '../../src/index.ts'
import type { AwsFault } from './aws-fault.ts'
import { awsFault } from './aws-fault.ts'

export function countS3Buckets(mcp: Mcp): void {
  mcp.tool(
    'count_s3_buckets',
    {
      title: 'Count S3 buckets',
      description: "Count the S3 buckets of the server's AWS account",
      output: v.object({ count: v.number() }),
      annotations: { readOnlyHint: true },
    },
    async (_, ctx) => {
      const count = await countBuckets(ctx.signal)
      return { content: [{ type: 'text', text: String(count) }], structuredContent: { count } }
    },
  )
}

/** Reads all pages, because an account may have more buckets than one answer holds. */
async function countBuckets(abortSignal: AbortSignal): Promise<number> {
  const { ListBucketsCommand, S3Client } = await import('@aws-sdk/client-s3')
  const client = new S3Client({})
  try {
    let count = 0
    let ContinuationToken: string | undefined
    do {
      const page = await client.send(
        new ListBucketsCommand({ MaxBuckets: 1_000, ContinuationToken }),
        { abortSignal },
      )
      count += page.Buckets?.length ?? 0
      ContinuationToken = page.ContinuationToken
    } while (ContinuationToken)
    return count
  } catch (error) {
    abortSignal.throwIfAborted()
    const fault = awsFault(error)
    throw fault ? failure(advice[fault]) : error
  } finally {
    client.destroy()
  }
}

const advice: Record<AwsFault, string> = {
  missing: 'Amazon S3 does not know this account.',
  denied: "The server may not list buckets: its AWS identity needs s3:ListAllMyBuckets on '*'.",
  credentials:
    'The server has no valid AWS credentials. Its operator must give it a role, or renew its keys.',
  throttled: 'Amazon S3 is throttling requests. Try again in a minute.',
  unreachable: "Amazon S3 could not be reached. Check that the server's network lets it out.",
  broken: 'Amazon S3 failed on its side. Try again in a minute.',
  refused: 'Amazon S3 does not serve this request.',
}
