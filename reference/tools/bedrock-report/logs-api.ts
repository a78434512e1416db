/** The calls of CloudWatch Logs that a report needs, on an AWS client imported only when one is made. */
import type { CloudWatchLogsClientConfig } from '@aws-sdk/client-cloudwatch-logs'
import { failure } from '../../../src/index.ts'
import type { AwsFault } from '../aws-fault.ts'
import { awsFault } from '../aws-fault.ts'

export interface LogsOptions {
  readonly region: string
  /** Another account than the server's own. */
  readonly accountId?: string | undefined
  /** The role to assume for another account; the account's number in it is replaced. */
  readonly roleArn?: string | undefined
}

/** A range of time in epoch milliseconds: `from` is inside it, `to` is not. */
export interface Window {
  readonly from: number
  readonly to: number
}

export interface QueryReply {
  readonly status: string
  /** One record of field names and values for each row. */
  readonly rows: readonly Readonly<Record<string, string>>[]
  readonly scanned: number
  readonly nextToken: string | undefined
}

export interface EventsPage {
  readonly events: readonly { readonly timestamp: number; readonly message: string }[]
  readonly nextToken: string | undefined
}

export interface LogsApi {
  startQuery(group: string, window: Window, query: string): Promise<string>
  queryResults(id: string, token: string | undefined, signal: AbortSignal): Promise<QueryReply>
  stopQuery(id: string): Promise<void>
  events(
    group: string,
    window: Window,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<EventsPage>
  close(): void
}

/** The time limit of a call, in milliseconds. */
const REQUEST_TIMEOUT = 30_000

/** Throws a failure when another account is asked for and its role cannot be taken. */
export async function openLogs(options: LogsOptions): Promise<LogsApi> {
  const { region, accountId, roleArn } = options
  const { CloudWatchLogs } = await import('@aws-sdk/client-cloudwatch-logs')
  const client = new CloudWatchLogs({
    region,
    ...(accountId && { credentials: await assumeRole(region, accountId, roleArn) }),
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: REQUEST_TIMEOUT,
      throwOnRequestTimeout: true,
    },
  })

  return {
    // This call is never aborted, because a query without its id could not be stopped.
    async startQuery(logGroupName, { from, to }, queryString) {
      const { queryId } = await client.startQuery({
        logGroupName,
        queryString,
        // AWS takes whole seconds and includes both ends; the query itself filters by milliseconds.
        startTime: Math.floor(from / 1000),
        endTime: Math.ceil(to / 1000),
      })
      return queryId ?? ''
    },
    async queryResults(queryId, nextToken, abortSignal) {
      const reply = await client.getQueryResults({ queryId, nextToken }, { abortSignal })
      return {
        status: reply.status ?? 'Unknown',
        rows: (reply.results ?? []).map((row) =>
          Object.fromEntries(row.map(({ field, value }) => [field, value ?? ''])),
        ),
        scanned: reply.statistics?.recordsScanned ?? 0,
        nextToken: reply.nextToken,
      }
    },
    async stopQuery(queryId) {
      await client.stopQuery({ queryId }, { abortSignal: AbortSignal.timeout(5_000) })
    },
    async events(logGroupName, { from, to }, nextToken, abortSignal) {
      const reply = await client.filterLogEvents(
        { logGroupName, startTime: from, endTime: to - 1, nextToken },
        { abortSignal },
      )
      return {
        events: (reply.events ?? []).map(({ timestamp, message }) => ({
          timestamp: timestamp ?? from,
          message: message ?? '',
        })),
        nextToken: reply.nextToken,
      }
    },
    close() {
      client.destroy()
    },
  }
}

async function assumeRole(
  region: string,
  accountId: string,
  roleArn: string | undefined,
): Promise<NonNullable<CloudWatchLogsClientConfig['credentials']>> {
  if (!roleArn) {
    throw failure(
      `This server cannot read account ${accountId}: it has no role to assume there. ` +
        'Leave out aws_account_id to read the account the server runs in, or have its operator set ' +
        'BEDROCK_ROLE_ARN to a role that exists in that account and trusts this server.',
    )
  }
  const RoleArn = roleArn.replace(/(?<=:iam::)[0-9]*/, accountId)
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
  const credentials = fromTemporaryCredentials({
    // The shortest duration that AWS allows is enough, because a report takes minutes.
    params: { RoleArn, RoleSessionName: 'bedrock-usage-report', DurationSeconds: 900 },
    clientConfig: { region },
  })
  try {
    // The credentials are requested now, so that a refused role is not mistaken for a refused log group.
    return await credentials()
  } catch (error) {
    const fault = awsFault(error)
    if (fault === undefined) throw error
    throw failure(
      `The server could not assume its role in account ${accountId}: ${roleProblems[fault]}.`,
    )
  }
}

const roleProblems: Record<AwsFault, string> = {
  missing: 'it does not exist',
  denied:
    'the role that BEDROCK_ROLE_ARN names must exist there too and trust the identity of the ' +
    'server, which needs sts:AssumeRole on it',
  credentials: 'the server has no valid AWS credentials of its own',
  throttled: 'AWS is throttling such requests; try again in a minute',
  unreachable: 'AWS STS could not be reached',
  broken: 'AWS STS failed on its side; try again in a minute',
  refused: 'AWS STS does not accept its name',
}
