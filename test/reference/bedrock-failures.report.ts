import { describe, expect, it } from 'vitest'
import { readBedrock } from '../../reference/config.ts'
import { awsFault } from '../../reference/tools/aws-fault.ts'
import { day, group, now, report, useLogs } from '../support/bedrock-logs.ts'
import { closing, useFakeAws } from '../support/fake-aws.ts'
import type { Call, Refusal } from '../support/fake-logs.ts'
import { startFakeSts } from '../support/fake-sts.ts'
import { invocation } from '../support/invocation-log.ts'
import { listen } from '../support/listener.ts'

useFakeAws()

const month = Array.from({ length: 28 }, (_, index) =>
  invocation({ time: now - (index + 0.5) * day, modelId: 'm', input: 1 }),
)

const always = (refusal: Refusal) => ({ refuse: () => refusal })

describe('each failure has a message that helps', () => {
  it('when the log group does not exist (A5)', async () => {
    await useLogs(month)
    const { text, failed } = await report({ log_group_name: '/nowhere' })
    expect(failed).toBe(true)
    expect(text).toBe(
      'There is no log group "/nowhere" in us-east-1. Check its name and the region; if it should ' +
        'exist, switch on model invocation logging to CloudWatch Logs in the settings of Amazon Bedrock.',
    )
  })

  it('when neither Insights nor FilterLogEvents is allowed', async () => {
    await useLogs(month, always({ name: 'AccessDeniedException' }))
    const { text, failed } = await report()
    expect(failed).toBe(true)
    expect(text).toContain(`may not read the log group "${group}"`)
    expect(text).toContain('logs:StartQuery, logs:GetQueryResults and logs:StopQuery')
    expect(text).toContain('or logs:FilterLogEvents')
  })

  it.each(['UnrecognizedClientException', 'ExpiredTokenException', 'InvalidSignatureException'])(
    'when the credentials are not good: %s',
    async (name) => {
      const logs = await useLogs(month, always({ name, status: 403 }))
      const { text, failed } = await report()
      expect(failed).toBe(true)
      expect(text).toContain('no valid AWS credentials')
      // Reading line by line would fail in the same way.
      expect(logs.count('FilterLogEvents')).toBe(0)
    },
  )

  it('when AWS throttles for longer than a report can wait', async () => {
    const logs = await useLogs(month, always({ name: 'ThrottlingException' }))
    const { text, failed } = await report({}, { limits: { attempts: 3 } })
    expect(failed).toBe(true)
    expect(text).toBe(
      'AWS is throttling requests to CloudWatch Logs in us-east-1. Try again in a minute.',
    )
    expect(logs.count('StartQuery')).toBe(3 * 8)
    expect(logs.count('FilterLogEvents')).toBe(3 * 8)
  })

  it('when AWS fails on its side', async () => {
    await useLogs(month, always({ name: 'InternalFailure', status: 500 }))
    const { text, failed } = await report()
    expect(failed).toBe(true)
    expect(text).toContain('failed on its side')
  })

  it('when the log group allows neither way of reading', async () => {
    await useLogs(month, always({ name: 'InvalidOperationException' }))
    const { text, failed } = await report()
    expect(failed).toBe(true)
    expect(text).toContain('its class allows Logs Insights queries or filtering')
  })

  it('when nothing answers', async () => {
    process.env.AWS_ENDPOINT_URL_CLOUDWATCH_LOGS = await closedPort()
    const { text, failed } = await report()
    expect(failed).toBe(true)
    expect(text).toContain('CloudWatch Logs in us-east-1 could not be reached')
  })

  it('does not show the message of AWS', async () => {
    for (const name of [
      'AccessDeniedException',
      'ThrottlingException',
      'UnrecognizedClientException',
      'InvalidParameterException',
      'SomethingNew',
    ]) {
      await useLogs(month, always({ name, message: 'arn:aws:iam::999:role/secret' }))
      const { text, failed } = await report({}, { limits: { attempts: 1 } })
      expect(failed).toBe(true)
      expect(text).not.toMatch(/secret|Exception|SomethingNew/)
    }
  })
})

describe('a failure in the middle', () => {
  it('is repeated until it works if AWS throttles for a while', async () => {
    const logs = await useLogs(month, {
      refuse: ({ index }) => (index < 3 ? { name: 'ThrottlingException' } : undefined),
    })
    const { data } = await report({ days: 28 })
    expect(data).toMatchObject({ totals: { requests: 28 }, source: 'insights', partial: false })
    expect(logs.running).toBe(0)
  })

  it.each([
    ['ThrottlingException', 400, 'AWS throttled the requests', 'throttled'],
    ['InternalFailure', 500, 'CloudWatch Logs failed on its side', 'broken'],
  ])('leaves a gap, and the rest stands: %s', async (name, status, words, reason) => {
    const old = now - 7 * day
    await useLogs(month, {
      refuse({ operation, body }: Call) {
        const start = Number(body.startTime) * (operation === 'StartQuery' ? 1000 : 1)
        return start < old - 1000 ? { name, status } : undefined
      },
    })
    const { text, data, failed } = await report({ days: 28 }, { limits: { attempts: 2 } })
    expect(failed).toBe(false)
    expect(data.totals.requests).toBe(7)
    expect(data.gaps).toEqual([
      { from: '2025-03-11T12:00:00.500Z', to: '2025-04-02T00:00:00.000Z', reason },
    ])
    expect(text).toContain(
      'Note: this report is partial. From 2025-03-11 12:00 to 2025-04-02 00:00 UTC usage is ' +
        `missing, at least in part, because ${words}.`,
    )
  })

  it('stops the other queries when nothing can be read any more', async () => {
    const logs = await useLogs(month, {
      ending: 'never',
      refuse: ({ operation, index }) =>
        operation === 'GetQueryResults' && index === 5
          ? { name: 'ExpiredTokenException' }
          : undefined,
    })
    const { failed } = await report({ days: 28 })
    expect(failed).toBe(true)
    expect(logs.running).toBe(0)
  })
})

describe('aws_account_id', () => {
  const roleArn = 'arn:aws:iam::111111111111:role/usage/BedrockLogs'
  const theirs = 'arn:aws:iam::222222222222:role/usage/BedrockLogs'

  it("reads another account's log with the role of the same name there", async () => {
    const sts = closing(await startFakeSts({ [theirs]: 'AKIATHEIRS' }))
    process.env.AWS_ENDPOINT_URL_STS = sts.url
    const logs = await useLogs(month)
    const { data } = await report({ aws_account_id: '222222222222' }, { roleArn })
    expect(data.totals.requests).toBe(7)
    expect(sts.asked).toEqual([theirs])
    expect(new Set(logs.calls.map(({ accessKey }) => accessKey))).toEqual(new Set(['AKIATHEIRS']))
  })

  it("uses the server's own credentials without it", async () => {
    const logs = await useLogs(month)
    await report({}, { roleArn })
    expect(new Set(logs.calls.map(({ accessKey }) => accessKey))).toEqual(new Set(['AKIAOWN']))
  })

  it('says what is missing when the role may not be assumed', async () => {
    const sts = closing(await startFakeSts({}))
    process.env.AWS_ENDPOINT_URL_STS = sts.url
    const logs = await useLogs(month)
    const { text, failed } = await report({ aws_account_id: '222222222222' }, { roleArn })
    expect(failed).toBe(true)
    expect(text).toBe(
      'The server could not assume its role in account 222222222222: the role that ' +
        'BEDROCK_ROLE_ARN names must exist there too and trust the identity of the server, which ' +
        'needs sts:AssumeRole on it.',
    )
    expect(sts.asked).toEqual([theirs])
    expect(logs.calls).toEqual([])
  })

  it('reports that STS does not answer', async () => {
    process.env.AWS_ENDPOINT_URL_STS = await closedPort()
    await useLogs(month)
    const { text } = await report({ aws_account_id: '222222222222' }, { roleArn })
    expect(text).toBe(
      'The server could not assume its role in account 222222222222: AWS STS could not be reached.',
    )
  })

  it('is refused when the server has no role to assume', async () => {
    const logs = await useLogs(month)
    const { text, failed } = await report({ aws_account_id: '222222222222' })
    expect(failed).toBe(true)
    expect(text).toContain('BEDROCK_ROLE_ARN')
    expect(logs.calls).toEqual([])
  })
})

describe('BEDROCK_ROLE_ARN', () => {
  it('is the role, or nothing', () => {
    const roleArn = 'arn:aws-us-gov:iam::123456789012:role/path/Reader'
    expect(readBedrock({ BEDROCK_ROLE_ARN: roleArn })).toEqual({ roleArn })
    expect(readBedrock({ BEDROCK_ROLE_ARN: '' })).toEqual({})
    expect(readBedrock({})).toEqual({})
  })

  it.each(['Reader', 'arn:aws:iam::1:role/Reader', 'arn:aws:iam::123456789012:user/ada'])(
    'refuses to start with %s',
    (value) => {
      expect(() => readBedrock({ BEDROCK_ROLE_ARN: value })).toThrow('must be the ARN of a role')
    },
  )
})

describe('awsFault', () => {
  it.each([
    [Object.assign(new Error(), { name: 'AccessDenied' }), 'denied'],
    [Object.assign(new Error(), { $metadata: { httpStatusCode: 503 } }), 'broken'],
    [Object.assign(new Error(), { $metadata: { httpStatusCode: 429 } }), 'throttled'],
    [Object.assign(new Error(), { code: 'ENOTFOUND' }), 'unreachable'],
    [new TypeError('a bug'), undefined],
    ['text', undefined],
  ])('tells the kind of %o', (error, fault) => {
    expect(awsFault(error)).toBe(fault)
  })
})

async function closedPort(): Promise<string> {
  const { url, close } = await listen(() => {})
  await close()
  return url
}
