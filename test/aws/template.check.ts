/** Checks the translated template against known problems of the platform, in every combination of its conditions. */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { METRICS, NAMESPACE } from '../../adapters/metrics.ts'
import type { Parameters, Resource, Stack, Template } from './cloudformation.ts'
import { evaluate, translate } from './cloudformation.ts'
import { tools } from './lambda-host.ts'

const run = promisify(execFile)

/** The DynamoDB operations in the source of the store: each new one needs a new right and a new alarm. */
const STORE_CALLS = [
  ...new Set(
    [...readFileSync('adapters/dynamodb/dynamo-store.ts', 'utf8').matchAll(/\bcall\('(\w+)'/g)].map(
      ([, name = '']) => name,
    ),
  ),
]

/** The choices for each decision on which a condition depends. */
const decisions: Readonly<Record<string, readonly Parameters[]>> = {
  auth: [
    { AuthMethod: 'bearer' },
    { AuthMethod: 'bearer', McpAuthToken: 'x'.repeat(32) },
    { AuthMethod: 'oauth', OAuthIssuer: 'https://issuer.example', OAuthScopes: 'read write' },
    { AuthMethod: 'cognito' },
    { AuthMethod: 'oauth', OAuthIssuer: 'https://issuer.example' },
    {
      AuthMethod: 'cognito',
      CreateUserPool: 'false',
      CognitoUserPoolId: 'eu-west-1_Own',
      OAuthClientIds: 'one,two',
    },
    { AuthMethod: 'none' },
  ],
  domain: [
    {},
    { DomainName: 'mcp.example.com', CertificateArn: 'arn:aws:acm:eu-west-1:1:certificate/1' },
    {
      DomainName: 'mcp.example.com',
      CertificateArn: 'arn:aws:acm:eu-west-1:1:certificate/1',
      HostedZoneId: 'Z123',
    },
  ],
  concurrency: [{}, { Concurrency: '5' }],
  accessLog: [{}, { AccessLog: 'true' }, { AccessLog: 'false' }],
  tracing: [{}, { Tracing: 'true' }],
  alarms: [{}, { AlarmEmail: 'ops@example.com' }],
  data: [{}, { DataOnDelete: 'retain' }],
  report: [
    {},
    { BedrockLogGroup: '/bedrock/calls' },
    { BedrockLogGroup: '/bedrock/calls', BedrockRoleName: 'reader' },
  ],
  buckets: [{}, { CountBuckets: 'true' }],
}

/** Decisions that concern one resource each, or all in the same way: they are combined in pairs only. */
const additions: Readonly<Record<string, readonly Parameters[]>> = {
  pool: [{}, { UserPoolOnDelete: 'delete' }],
  provisioned: [{}, { ProvisionedConcurrency: '2' }],
  deployment: [{}, { DeploymentType: 'AllAtOnce' }],
  metrics: [{}, { Metrics: 'basic' }, { Metrics: 'off' }],
  tasks: [{}, { Tasks: 'true' }],
  webAcl: [
    {},
    { CallerRequestsPerMinute: '600' },
    { WebAclArn: 'arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/own/1' },
  ],
  vpc: [{}, { SubnetIds: 'subnet-1,subnet-2', SecurityGroupIds: 'sg-1' }],
  key: [{}, { KmsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1' }],
  boundary: [{}, { PermissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/boundary' }],
}

/** All combinations of the decisions. */
function combinations(): Parameters[] {
  return Object.values(decisions).reduce<Parameters[]>(
    (sets, choices) => sets.flatMap((set) => choices.map((choice) => ({ ...set, ...choice }))),
    [{}],
  )
}

/** A few combinations in which every pair of choices of two decisions occurs. */
function pairs(): Parameters[] {
  const lists = Object.values({ ...decisions, ...additions })
  const meeting = (a: number, x: number, b: number, y: number) =>
    a < b ? `${a}:${x} ${b}:${y}` : `${b}:${y} ${a}:${x}`
  const open = new Set(
    lists.flatMap((left, a) =>
      lists.flatMap((right, b) =>
        a < b ? left.flatMap((_, x) => right.map((__, y) => meeting(a, x, b, y))) : [],
      ),
    ),
  )
  const sets: Parameters[] = []
  while (open.size > 0) {
    const [first = ''] = open
    const picked = new Map(
      first.split(' ').map((pick) => pick.split(':').map(Number) as [number, number]),
    )
    for (const [a, choices] of lists.entries()) {
      if (picked.has(a)) continue
      const gain = choices.map(
        (_, x) => [...picked].filter(([b, y]) => open.has(meeting(a, x, b, y))).length,
      )
      picked.set(a, gain.indexOf(Math.max(...gain)))
    }
    for (const [a, x] of picked) for (const [b, y] of picked) open.delete(meeting(a, x, b, y))
    sets.push(Object.assign({}, ...[...picked].map(([a, x]) => lists[a]?.[x])))
  }
  return sets
}

/** Very few combinations, in which every choice occurs. */
function each(): Parameters[] {
  const lists = Object.values({ ...decisions, ...additions })
  const most = Math.max(...lists.map(({ length }) => length))
  return Array.from({ length: most }, (_, i) =>
    Object.assign({}, ...lists.map((choices) => choices[i % choices.length])),
  )
}

let template: Template
const stacks: Stack[] = []

beforeAll(() => {
  const [translated] = translate()
  if (translated === undefined) throw new Error('nothing was translated')
  template = translated
  stacks.push(...[...combinations(), ...pairs()].map((set) => evaluate(template, set)))
})

/** Returns the template's stack for these parameters. */
const made = (parameters: Parameters = {}) => evaluate(template, parameters)

const ofType = (stack: Stack, type: string) =>
  Object.entries(stack.resources).filter(([, { Type }]) => Type === type)

const properties = (stack: Stack, id: string) => {
  const found = stack.resources[id]
  if (found === undefined) throw new Error(`there is no ${id}`)
  return found.Properties
}

interface Operation {
  readonly security?: readonly object[]
  readonly 'x-amazon-apigateway-integration': {
    readonly type: string
    readonly uri?: string
    readonly responseTransferMode?: string
    readonly timeoutInMillis?: number
    readonly responses?: { readonly default: { readonly responseParameters: object } }
  }
}

interface Body {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly securitySchemes?: {
      readonly Gate: {
        readonly 'x-amazon-apigateway-authorizer': {
          readonly type: string
          readonly identitySource: string
          readonly authorizerResultTtlInSeconds: number
        }
      }
    }
  }
  readonly 'x-amazon-apigateway-gateway-responses': Readonly<
    Record<
      string,
      {
        statusCode?: string
        responseParameters: Readonly<Record<string, string>>
        responseTemplates?: Readonly<Record<string, string>>
      }
    >
  >
}

const bodyOf = (stack: Stack) => properties(stack, 'Api').Body as Body
const operations = (stack: Stack) =>
  Object.entries(bodyOf(stack).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

describe('every combination of the conditions', () => {
  it('refers only to its own resources, and breaks no rule', () => {
    // A reference to a missing resource throws before this line.
    expect(stacks.length).toBe(6048 + pairs().length)
    expect(pairs().length).toBeLessThan(60)
    expect(stacks.flatMap(({ objections }) => objections)).toEqual([])
  })

  it('has no circular reference', () => {
    for (const { dependencies } of stacks) {
      const open: Record<string, ReadonlySet<string>> = { ...dependencies }
      let before = -1
      while (Object.keys(open).length !== before) {
        before = Object.keys(open).length
        for (const [id, needs] of Object.entries(open)) {
          if (![...needs].some((need) => need in open)) delete open[id]
        }
      }
      expect(Object.keys(open)).toEqual([])
    }
  })

  it('streams every reply of a function, declared in both places', () => {
    for (const stack of stacks) {
      const proxied = operations(stack).filter(({ method }) => method !== 'options')
      expect(proxied.map(({ path }) => path)).toEqual([
        '/mcp',
        '/.well-known/{proxy+}',
        '/register',
      ])
      for (const { operation } of proxied) {
        const integration = operation['x-amazon-apigateway-integration']
        expect(integration).toMatchObject({ type: 'aws_proxy', responseTransferMode: 'STREAM' })
        expect(integration.uri).toMatch(
          /path\/2021-11-15\/functions\/.+\/response-streaming-invocations$/,
        )
      }
    }
  })

  it('protects only the endpoint, and only with an AuthMethod', () => {
    for (const stack of stacks) {
      const guarded = operations(stack).filter(({ operation }) => operation.security)
      const expected = stack.conditions.IsGuarded ? ['/mcp x-amazon-apigateway-any-method'] : []
      expect(guarded.map(({ path, method }) => `${path} ${method}`)).toEqual(expected)
      expect(bodyOf(stack).components.securitySchemes !== undefined).toBe(
        stack.conditions.IsGuarded,
      )
    }
  })

  it('has no wildcard in an action, and in a resource only where AWS offers no other way', () => {
    for (const stack of stacks) {
      for (const { Action, Resource } of statements(stack)) {
        expect([Action].flat().filter((action) => action.includes('*'))).toEqual([])
        if (Resource !== '*') continue
        for (const action of [Action].flat()) {
          expect(action).toMatch(
            /^(xray:Put\w+|logs:StopQuery|s3:ListAllMyBuckets|ec2:\w+NetworkInterfaces?|cloudwatch:DescribeAlarms)$/,
          )
        }
      }
    }
  })

  it('retains or deletes the table by its parameter', () => {
    for (const stack of stacks) {
      expect(stack.resources.Table?.DeletionPolicy).toBe(
        stack.conditions.KeepsData ? 'Retain' : 'Delete',
      )
    }
  })

  it('is translated for every pair of choices', { timeout: 120_000 }, () => {
    expect(translate(...pairs())).toHaveLength(pairs().length)
  })

  // By itself, cfn-lint reads both branches of every condition; parameters only add their values.
  it('is translated without complaints of cfn-lint for every choice', {
    timeout: 240_000,
  }, async () => {
    const lint = (set: Parameters) =>
      run(`${tools}python/bin/cfn-lint`, [
        'template.yaml',
        '--parameters',
        ...Object.entries(set).map(([name, value]) => `${name}=${value}`),
      ])
    const sets = each()
    for (let i = 0; i < sets.length; i += 2) await Promise.all(sets.slice(i, i + 2).map(lint))
  })
})

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
}

function statements(stack: Stack): Statement[] {
  const roles = ofType(stack, 'AWS::IAM::Role').flatMap(([, role]) => statementsOf(role))
  return [...roles, ...ofType(stack, 'AWS::IAM::RolePolicy').flatMap(([, it]) => policyOf(it))]
}

/** The statements of a policy that is a resource of its own. */
function policyOf({ Properties }: Resource): readonly Statement[] {
  return (Properties as { PolicyDocument: { Statement: Statement[] } }).PolicyDocument.Statement
}

function statementsOf({ Properties }: Resource): Statement[] {
  const { Policies = [] } = Properties as {
    Policies?: { PolicyDocument: { Statement: Statement[] } }[]
  }
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}

describe('the API', () => {
  const responses = (parameters: Parameters) =>
    bodyOf(made(parameters))['x-amazon-apigateway-gateway-responses']
  const challenge = (parameters: Parameters, type = 'UNAUTHORIZED') =>
    responses(parameters)[type]?.responseParameters['gatewayresponse.header.WWW-Authenticate']
  const oauth = { AuthMethod: 'oauth', OAuthIssuer: 'https://issuer.example', OAuthScopes: 'use' }
  const domain = { DomainName: 'mcp.example.com', CertificateArn: 'arn:aws:acm:x' }

  it('is Regional, where a silent stream is kept for five minutes', () => {
    expect(properties(made(), 'Api').EndpointConfiguration).toEqual({ Types: ['REGIONAL'] })
  })

  it('answers preflights itself, for any header and for Authorization, which a wildcard does not cover', () => {
    const stack = made()
    const preflights = operations(stack).filter(({ method }) => method === 'options')
    expect(preflights).toHaveLength(3)
    for (const { operation } of preflights) {
      expect(operation.security).toBeUndefined()
      const integration = operation['x-amazon-apigateway-integration']
      expect(integration.type).toBe('mock')
      expect(integration.responses?.default.responseParameters).toMatchObject({
        'method.response.header.Access-Control-Allow-Headers': "'*,Authorization'",
        'method.response.header.Access-Control-Allow-Origin': "'*'",
      })
    }
  })

  it('sends the challenge of the method of authorization', () => {
    expect(challenge({})).toBe(`'Bearer realm="mcp"'`)
    expect(challenge({ AuthMethod: 'cognito', ...domain })).toMatch(
      /^'Bearer scope="https:\/\/mcp\.example\.com\/mcp\/use", resource_metadata=/,
    )
    expect(challenge({ ...oauth, ...domain })).toBe(
      `'Bearer scope="use", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'`,
    )
    const own =
      'https://metadataproxy.execute-api.eu-west-1.amazonaws.com/.well-known/oauth-protected-resource/mcp'
    expect(challenge(oauth)).toBe(`'Bearer scope="use", resource_metadata="${own}"'`)
    expect(challenge(oauth, 'ACCESS_DENIED')).toBe(
      `'Bearer error="insufficient_scope", scope="use", resource_metadata="${own}"'`,
    )
  })

  it('lets web pages read its refusals', () => {
    for (const [, { responseParameters }] of Object.entries(responses({}))) {
      expect(responseParameters['gatewayresponse.header.Access-Control-Allow-Origin']).toBe("'*'")
    }
    expect(Object.keys(responses({}))).toEqual(
      expect.arrayContaining(['DEFAULT_4XX', 'DEFAULT_5XX', 'UNAUTHORIZED', 'ACCESS_DENIED']),
    )
  })

  it.each([
    ['UNAUTHORIZED', -32600],
    ['ACCESS_DENIED', -32600],
    ['AUTHORIZER_FAILURE', -32603],
    ['THROTTLED', -32603],
  ])('has a JSON-RPC error as the body of %s, as the server itself has', (type, code) => {
    const body = responses({})[type]?.responseTemplates?.['application/json'] ?? '{}'
    expect(JSON.parse(body)).toEqual({
      jsonrpc: '2.0',
      error: { code, message: expect.any(String) },
    })
  })

  it('caches an authorization for as long as the authorizer assumes', () => {
    const stack = made()
    const gate = bodyOf(stack).components.securitySchemes?.Gate['x-amazon-apigateway-authorizer']
    expect(gate).toMatchObject({
      type: 'request',
      identitySource: 'method.request.header.Authorization',
    })
    const { Environment } = properties(stack, 'AuthorizerFunction') as {
      Environment: { Variables: Record<string, unknown> }
    }
    expect(Environment.Variables.MCP_AUTHORIZER_CACHE_SECONDS).toBe(
      gate?.authorizerResultTtlInSeconds,
    )
  })

  it('has the same timeout as the function', () => {
    const { TimeoutSeconds } = template.Parameters as Record<string, { MaxValue?: number }>
    const [any] = operations(made())
    expect(
      any?.operation['x-amazon-apigateway-integration'].timeoutInMillis,
    ).toBeGreaterThanOrEqual((TimeoutSeconds?.MaxValue ?? Number.POSITIVE_INFINITY) * 1000)
  })

  it('with a domain is at the root of the domain, and closed under its own name', () => {
    const stack = made({ ...oauth, ...domain })
    expect(bodyOf(stack)).toMatchObject({
      servers: [
        { 'x-amazon-apigateway-endpoint-configuration': { disableExecuteApiEndpoint: true } },
      ],
    })
    expect(properties(stack, 'DomainMapping')).not.toHaveProperty('BasePath')
    expect(stack.outputs.Endpoint).toBe('https://mcp.example.com/mcp')
  })

  it('logs how long a stream took to its first byte', () => {
    const stages = ofType(made({ AccessLog: 'true' }), 'AWS::ApiGateway::Stage').map(
      ([, { Properties }]) => Properties,
    )
    const [{ AccessLogSetting: { Format = '' } = {} } = {}] = stages as {
      AccessLogSetting?: { Format?: string }
    }[]
    expect(JSON.parse(Format)).toMatchObject({
      timeToAllHeaders: '$context.integration.timeToAllHeaders',
      timeToFirstContent: '$context.integration.timeToFirstContent',
    })
  })
})

describe('the functions', () => {
  it('run on Node 24 and Arm', () => {
    const functions = ofType(made(), 'AWS::Lambda::Function')
    expect(functions).toHaveLength(2)
    for (const [, { Properties }] of functions) {
      expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
    }
  })

  it("have only the secret's name in their environment, and not the token", () => {
    const token = 'hunter2'.repeat(5)
    const { resources, outputs } = made({ McpAuthToken: token })
    const holders = Object.entries(resources).filter(([, it]) => JSON.stringify(it).includes(token))
    expect(holders.map(([id]) => id)).toEqual(['Token'])
    expect(JSON.stringify(outputs)).not.toContain(token)
  })

  it('keep a generated token when none is given', () => {
    expect(properties(made(), 'Token')).toMatchObject({
      GenerateSecretString: { PasswordLength: 48, ExcludePunctuation: true },
    })
  })

  it('refuse parameters that do not belong together', () => {
    const objections = (set: Parameters) => made(set).objections.length
    expect(objections({ AuthMethod: 'oauth' })).toBe(1)
    expect(objections({ AuthMethod: 'cognito', CreateUserPool: 'false' })).toBe(2)
    expect(objections({ DomainName: 'mcp.example.com' })).toBe(1)
    expect(objections({})).toBe(0)
  })
})

describe('the deployment', () => {
  const alias = (stack: Stack) => ofType(stack, 'AWS::Lambda::Alias')[0]?.[1].Properties

  it('shifts the alias that the API calls, and goes back when an alarm tells of failures', () => {
    const stack = made()
    for (const { operation } of operations(stack)) {
      const { uri } = operation['x-amazon-apigateway-integration']
      if (uri) expect(uri).toMatch(/function:weather-McpFunction:live\/response-streaming/)
    }
    expect(alias(stack)).toMatchObject({ Name: 'live' })
    expect(properties(stack, 'ApiInvokesMcp').FunctionName).toBe('weather-McpFunctionAliaslive')
    expect(properties(stack, 'McpFunctionDeploymentGroup')).toMatchObject({
      DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      AutoRollbackConfiguration: {
        Enabled: true,
        Events: expect.arrayContaining(['DEPLOYMENT_STOP_ON_ALARM']),
      },
      AlarmConfiguration: {
        Enabled: true,
        Alarms: [{ Name: 'weather-ServerErrorAlarm' }, { Name: 'weather-FunctionErrorAlarm' }],
      },
    })
  })

  it('publishes a version for every change, that of a parameter included', () => {
    const [[, version] = []] = ofType(made(), 'AWS::Lambda::Version')
    const [[deployment = ''] = []] = ofType(made(), 'AWS::ApiGateway::Deployment')
    // CloudFormation replaces a version whose description changes, and AlwaysDeploy makes a new deployment each time.
    expect(version?.Properties.Description).toContain(`weather-${deployment}`)
    expect(version?.DeletionPolicy).toBe('Delete')
    expect(readFileSync('template.yaml', 'utf8')).toMatch(/AlwaysDeploy: true/)
  })

  it('keeps instances ready only when it is told to', () => {
    expect(alias(made())).not.toHaveProperty('ProvisionedConcurrencyConfig')
    expect(alias(made({ ProvisionedConcurrency: '2' }))).toMatchObject({
      ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: '2' },
    })
  })
})

describe('tasks', () => {
  const on = () => made({ Tasks: 'true', AlarmEmail: 'ops@example.com' })
  const environment = (stack: Stack, id: string) =>
    (properties(stack, id) as { Environment: { Variables: Record<string, unknown> } }).Environment
      .Variables

  it('add nothing to a stack without them, and nine resources with them', () => {
    const without = made({ AlarmEmail: 'ops@example.com' })
    const added = Object.keys(on().resources).filter((id) => !(id in without.resources))
    // SAM names a version by the code and the properties of its function.
    expect(added.map((id) => id.replace(/Version\w+$/, 'Version')).sort()).toEqual([
      'RescueAlarm',
      'RescuedTasks',
      'TaskExecutionPolicy',
      'TaskFailureAlarm',
      'TaskFunction',
      'TaskFunctionAliaslive',
      'TaskFunctionVersion',
      'TaskLogs',
      'TaskRole',
    ])
    expect(JSON.stringify(without.resources)).not.toMatch(/MCP_TASK_FUNCTION|DurableExecution/)
    expect(environment(without, 'McpFunction')).not.toHaveProperty('MCP_TASK_FUNCTION')
  })

  it('run in a durable function, invoked by its alias, whose versions stay', () => {
    const stack = on()
    expect(properties(stack, 'TaskFunction').DurableConfig).toEqual({
      ExecutionTimeout: '604800',
      RetentionPeriodInDays: '7',
    })
    const { DurableConfig } = properties(
      made({ Tasks: 'true', TaskSeconds: '3600', TaskHistoryDays: '1' }),
      'TaskFunction',
    )
    expect(DurableConfig).toEqual({ ExecutionTimeout: '3600', RetentionPeriodInDays: '1' })
    expect(environment(stack, 'McpFunction').MCP_TASK_FUNCTION).toBe(
      'arn:aws:lambda:eu-west-1:123456789012:function:weather-TaskFunction:live',
    )
    expect(properties(stack, 'TaskFunctionAliaslive').Name).toBe('live')
    const [version] = ofType(stack, 'AWS::Lambda::Version').filter(([id]) => id.startsWith('Task'))
    expect(version?.[1].DeletionPolicy).toBe('Retain')
  })

  it('have the table of the server, and no token', () => {
    for (const AuthMethod of ['bearer', 'cognito']) {
      const stack = made({ Tasks: 'true', AuthMethod })
      const variables = environment(stack, 'TaskFunction')
      expect(variables).toMatchObject({ AUTH_METHOD: 'none', MCP_TABLE: 'weather-Table' })
      expect(variables).not.toHaveProperty('MCP_AUTH_TOKEN_SECRET')
      expect(variables).not.toHaveProperty('MCP_TASK_FUNCTION')
    }
  })

  it('have alarms on executions that fail and on those that are replaced', () => {
    const stack = on()
    const { Metrics } = properties(stack, 'TaskFailureAlarm') as {
      Metrics: { MetricStat?: { Metric: { MetricName: string; Dimensions: object[] } } }[]
    }
    const watched = Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])
    expect(watched.map(({ MetricName }) => MetricName)).toEqual([
      'DurableExecutionFailed',
      'DurableExecutionTimedOut',
    ])
    const { FilterPattern, MetricTransformations } = properties(stack, 'RescuedTasks') as {
      FilterPattern: string
      MetricTransformations: { MetricNamespace: string; MetricName: string }[]
    }
    // The line that the server writes.
    const text = FilterPattern.slice(1, -1)
    expect(readFileSync('adapters/durable/execution-runner.ts', 'utf8')).toContain(`'${text},`)
    expect(properties(stack, 'RescueAlarm')).toMatchObject({
      Namespace: MetricTransformations[0]?.MetricNamespace,
      MetricName: MetricTransformations[0]?.MetricName,
      AlarmActions: ['weather-AlarmTopic'],
    })
  })

  it('have a role, a log and a function that the key, the boundary and the subnets cover', () => {
    const stack = made({
      Tasks: 'true',
      KmsKeyArn: 'arn:aws:kms:eu-west-1:1:key/1',
      PermissionsBoundaryArn: 'arn:aws:iam::1:policy/boundary',
      SubnetIds: 'subnet-1',
      SecurityGroupIds: 'sg-1',
    })
    expect(properties(stack, 'TaskRole').PermissionsBoundary).toBe('arn:aws:iam::1:policy/boundary')
    expect(properties(stack, 'TaskLogs').KmsKeyId).toBe('arn:aws:kms:eu-west-1:1:key/1')
    expect(properties(stack, 'TaskFunction')).toMatchObject({
      KmsKeyArn: 'arn:aws:kms:eu-west-1:1:key/1',
      VpcConfig: { SubnetIds: ['subnet-1'] },
    })
  })
})

describe('what could do harm', () => {
  it('is left alone by default: the log role of the account', () => {
    const types = (parameters: Parameters) =>
      Object.values(made(parameters).resources).map(({ Type }) => Type)
    expect(types({})).not.toContain('AWS::ApiGateway::Account')
    expect(types({ AccessLog: 'true' })).not.toContain('AWS::ApiGateway::Account')
    expect(types({ AccessLog: 'with-role' })).toContain('AWS::ApiGateway::Account')
  })

  it('is protected by default: the pool with its users', () => {
    const pool = (parameters: Parameters) =>
      made({ AuthMethod: 'cognito', ...parameters }).resources.UserPool
    for (const set of [{}, { DataOnDelete: 'delete' }, { DataOnDelete: 'retain' }]) {
      expect(pool(set)).toMatchObject({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: { DeletionProtection: 'ACTIVE' },
      })
    }
    expect(pool({ UserPoolOnDelete: 'delete' })).toMatchObject({
      DeletionPolicy: 'Delete',
      Properties: { DeletionProtection: 'INACTIVE' },
    })
  })

  it('has the boundary and the key that the parameters name, wherever there can be one', () => {
    const given = {
      PermissionsBoundaryArn: 'arn:aws:iam::1:policy/boundary',
      KmsKeyArn: 'arn:aws:kms:eu-west-1:1:key/1',
      AccessLog: 'with-role',
      AlarmEmail: 'ops@example.com',
    }
    const stack = made(given)
    const roles = ofType(stack, 'AWS::IAM::Role')
    expect(roles.map(([id]) => id).sort()).toEqual([
      'ApiLogRole',
      'AuthorizerRole',
      'DeploymentRole',
      'McpRole',
    ])
    for (const [, { Properties }] of roles) {
      expect(Properties.PermissionsBoundary).toBe(given.PermissionsBoundaryArn)
    }
    const keyed = Object.entries(stack.resources).filter(([, { Type, Properties }]) => {
      const text = JSON.stringify(Properties)
      return Type !== 'AWS::IAM::Role' && text.includes(given.KmsKeyArn)
    })
    expect(keyed.map(([id]) => id).sort()).toEqual(
      [
        'AlarmTopic',
        'ApiLogs',
        'AuthorizerFunction',
        'AuthorizerLogs',
        'McpFunction',
        'McpLogs',
        'Table',
        'Token',
      ].sort(),
    )
    expect(JSON.stringify(made().resources)).not.toMatch(/KmsKeyArn|PermissionsBoundary/)
  })

  it('puts the functions into the subnets that the parameters name', () => {
    const vpc = { SubnetIds: 'subnet-1,subnet-2', SecurityGroupIds: 'sg-1' }
    for (const [, { Properties }] of ofType(made(vpc), 'AWS::Lambda::Function')) {
      expect(Properties.VpcConfig).toEqual({
        SubnetIds: ['subnet-1', 'subnet-2'],
        SecurityGroupIds: ['sg-1'],
      })
    }
    for (const [, { Properties }] of ofType(made(), 'AWS::Lambda::Function')) {
      expect(Properties).not.toHaveProperty('VpcConfig')
    }
    expect(made({ SubnetIds: 'subnet-1' }).objections).toHaveLength(1)
  })

  it('limits each caller by the token, or the address where there is none', () => {
    const rule = (parameters: Parameters) => {
      const { Rules } = properties(made(parameters), 'CallerLimit') as {
        Rules: { Statement: { RateBasedStatement: object }; Action: object }[]
      }
      return Rules[0]
    }
    expect(rule({ CallerRequestsPerMinute: '600' })).toMatchObject({
      Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
      Statement: {
        RateBasedStatement: {
          Limit: '600',
          AggregateKeyType: 'CUSTOM_KEYS',
          CustomKeys: [{ Header: { Name: 'authorization' } }],
        },
      },
    })
    const open = rule({ CallerRequestsPerMinute: '600', AuthMethod: 'none' })
    expect(open?.Statement.RateBasedStatement).toMatchObject({ AggregateKeyType: 'IP' })
    expect(open?.Statement.RateBasedStatement).not.toHaveProperty('CustomKeys')
    const own = 'arn:aws:wafv2:eu-west-1:1:regional/webacl/own/1'
    expect(properties(made({ WebAclArn: own }), 'WebAcl')).toEqual({
      WebACLArn: own,
      ResourceArn: 'arn:aws:apigateway:eu-west-1::/restapis/abc123/stages/weather-ApiprodStage',
    })
    expect(made().resources).not.toHaveProperty('WebAcl')
    expect(made({ WebAclArn: own, CallerRequestsPerMinute: '600' }).objections).toHaveLength(1)
  })
})

describe('the dashboard', () => {
  interface Widget {
    readonly properties: { readonly title: string; readonly metrics: readonly unknown[][] }
  }
  const widgets = (stack: Stack) =>
    (JSON.parse(String(properties(stack, 'Dashboard').DashboardBody)) as { widgets: Widget[] })
      .widgets

  it('shows the metrics that the lines of the function carry, all of them and no other', () => {
    const shown = new Set<string>()
    for (const { properties: widget } of widgets(made())) {
      for (const metric of widget.metrics) {
        const [first, name, dimension, value] = metric
        if (first === NAMESPACE) {
          expect([dimension, value]).toEqual(['FunctionName', 'weather-McpFunction'])
          shown.add(`FunctionName ${name}`)
        } else if (typeof first === 'object' && first && 'expression' in first) {
          const [, by = '', found = ''] =
            /^SEARCH\('\{StreamableMcp,FunctionName,(\w+)\} MetricName="(\w+)" FunctionName="weather-McpFunction"', '\w+', 300\)$/.exec(
              String(first.expression),
            ) ?? []
          shown.add(`${by} ${found}`)
        }
      }
    }
    const carried = Object.entries(METRICS).flatMap(([dimension, metrics]) =>
      metrics.map(([name]) => `${dimension} ${name}`),
    )
    expect([...shown].sort()).toEqual(carried.sort())
  })

  it('is there when there are metrics, and so is the alarm on them', () => {
    const off = made({ Metrics: 'off' }).resources
    expect(off).not.toHaveProperty('Dashboard')
    expect(off).not.toHaveProperty('SlowAlarm')
    for (const detail of ['tools', 'basic', 'off']) {
      const { Environment } = properties(made({ Metrics: detail }), 'McpFunction') as {
        Environment: { Variables: Record<string, unknown> }
      }
      expect(Environment.Variables.MCP_METRICS).toBe(detail)
    }
  })
})

describe('the alarms', () => {
  it('are on what a person has to act on, and each tells a person when there is an address', () => {
    const alarms = ofType(made({ AlarmEmail: 'ops@example.com' }), 'AWS::CloudWatch::Alarm')
    expect(alarms.map(([id]) => id).sort()).toEqual([
      'AuthorizerErrorAlarm',
      'BusyAlarm',
      'FunctionErrorAlarm',
      'FunctionThrottleAlarm',
      'ServerErrorAlarm',
      'SlowAlarm',
      'TableErrorAlarm',
      'TableThrottleAlarm',
    ])
    for (const [, { Properties }] of alarms) {
      expect(Properties.AlarmActions).toEqual(['weather-AlarmTopic'])
      expect(Properties.TreatMissingData).toBe('notBreaching')
      expect(Properties.AlarmDescription).toEqual(expect.any(String))
    }
  })

  it('watch a metric that the function writes', () => {
    expect(properties(made(), 'SlowAlarm')).toMatchObject({
      Namespace: NAMESPACE,
      MetricName: 'Duration',
      ExtendedStatistic: 'p99',
      Threshold: '10000',
    })
  })

  it('watch every operation of the store', () => {
    const { Metrics } = properties(made(), 'TableErrorAlarm') as {
      Metrics: { MetricStat?: { Metric: { Dimensions: { Name: string; Value: string }[] } } }[]
    }
    const watched = Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.Dimensions ?? [])
      .filter(({ Name }) => Name === 'Operation')
      .map(({ Value }) => Value)
    expect(watched.sort()).toEqual(STORE_CALLS.sort())
  })
})

describe('checkov', () => {
  it('is told of no finding that the template no longer has, nor of one without a reason', async () => {
    const accepted = readFileSync('test/aws/checkov.yaml', 'utf8')
    const ids = [...accepted.matchAll(/# .+\n {2}- (CKV\w+)/g)].map(([, id]) => id)
    expect(ids).toEqual([...accepted.matchAll(/^ {2}- (\S+)/gm)].map(([, id]) => id))
    const found = await run(`${tools}checkov/bin/checkov`, [
      ...['--file', 'template.yaml', '--framework', 'cloudformation'],
      ...['--skip-download', '--soft-fail', '--compact', '--quiet', '--output', 'json'],
    ])
    const { results } = JSON.parse(found.stdout) as {
      results: { failed_checks: { check_id: string }[] }
    }
    const failed = new Set(results.failed_checks.map(({ check_id }) => check_id))
    expect([...failed].sort()).toEqual(ids.sort())
  })
})

describe('docs/aws.md', () => {
  it('names only parameters, outputs and resources that exist, and values that they allow', () => {
    const page = readFileSync('docs/aws.md', 'utf8')
    const named = [...page.matchAll(/`([A-Z][a-z]\w+)(?:=([\w-]+))?`/g)]
    expect(named.length).toBeGreaterThan(12)
    for (const [, name = '', value] of named) {
      expect(
        Object.keys({ ...template.Parameters, ...template.Outputs, ...template.Resources }),
      ).toContain(name)
      if (value) expect(template.Parameters[name]?.AllowedValues).toContain(value)
    }
  })
})

describe('logs and data', () => {
  it('logs are kept for the time of the parameter', () => {
    for (const [, { Properties }] of ofType(made({ LogDays: '7' }), 'AWS::Logs::LogGroup')) {
      expect(Properties.RetentionInDays).toBe('7')
    }
  })

  it('the table removes expired items, can be restored, and is encrypted', () => {
    expect(properties(made(), 'Table')).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    })
  })
})

/** Runs a policy simulator, which is installed with the other tools. */
interface Simulator {
  runSimulation(
    simulation: object,
    options: object,
  ): Promise<{ resultType: string; overallResult?: string; errors?: unknown }>
}

describe('the roles', () => {
  const region = 'eu-west-1'
  const number = '123456789012'
  const table = (name: string) => `arn:aws:dynamodb:${region}:${number}:table/${name}`
  const group = (name: string) => `arn:aws:logs:${region}:${number}:log-group:${name}`
  const secret = (name: string) =>
    `arn:aws:secretsmanager:${region}:${number}:secret:${name}-AbCdEf`

  async function may(stack: Stack, id: string, action: string, resource: string): Promise<boolean> {
    const simulator = (await import(
      `${tools}runtime/node_modules/@cloud-copilot/iam-simulate/dist/esm/index.js`
    )) as Simulator
    const role = stack.resources[id]
    if (role === undefined) throw new Error(`there is no ${id}`)
    const result = await simulator.runSimulation(
      {
        request: {
          principal: `arn:aws:iam::${number}:role/${id}`,
          action,
          resource: { resource, accountId: number },
          contextVariables: {},
        },
        identityPolicies: [
          {
            name: id,
            policy: {
              Version: '2012-10-17',
              Statement: [...statementsOf(role), ...attachedTo(stack, id)],
            },
          },
        ],
        serviceControlPolicies: [],
        resourceControlPolicies: [],
      },
      {},
    )
    if (result.resultType === 'error') throw new Error(JSON.stringify(result.errors))
    return result.overallResult === 'Allowed'
  }

  const attachedTo = (stack: Stack, id: string) =>
    ofType(stack, 'AWS::IAM::RolePolicy')
      .filter(([, { Properties }]) => Properties.RoleName === `weather-${id}`)
      .flatMap(([, policy]) => policyOf(policy))

  const lambdaArn = (name: string) => `arn:aws:lambda:${region}:${number}:function:${name}`
  const executionArn = (name: string) => `${lambdaArn(name)}:7/durable-execution/task/0a1b`

  it('let the server start, wake, stop and look at tasks, and run none of them', async () => {
    const stack = made({ Tasks: 'true' })
    const own = lambdaArn('weather-TaskFunction')
    const execution = executionArn('weather-TaskFunction')
    expect(await may(stack, 'McpRole', 'lambda:InvokeFunction', `${own}:live`)).toBe(true)
    expect(await may(stack, 'McpRole', 'lambda:InvokeFunction', own)).toBe(false)
    for (const action of [
      'lambda:SendDurableExecutionCallbackSuccess',
      'lambda:StopDurableExecution',
      'lambda:GetDurableExecution',
    ]) {
      expect([action, await may(stack, 'McpRole', action, execution)]).toEqual([action, true])
      expect([action, await may(stack, 'McpRole', action, executionArn('other'))]).toEqual([
        action,
        false,
      ])
      expect([action, await may(stack, 'TaskRole', action, execution)]).toEqual([action, false])
      expect([action, await may(made(), 'McpRole', action, execution)]).toEqual([action, false])
    }
    for (const action of [
      'lambda:CheckpointDurableExecution',
      'lambda:GetDurableExecutionState',
      'lambda:GetDurableExecutionHistory',
      'lambda:SendDurableExecutionCallbackFailure',
      'lambda:UpdateFunctionCode',
    ]) {
      expect([action, await may(stack, 'McpRole', action, execution)]).toEqual([action, false])
    }
  })

  it('let the function of tasks go on with its executions, and use the table and its log', async () => {
    const stack = made({ Tasks: 'true' })
    const execution = executionArn('weather-TaskFunction')
    for (const action of ['lambda:CheckpointDurableExecution', 'lambda:GetDurableExecutionState']) {
      expect(await may(stack, 'TaskRole', action, execution)).toBe(true)
      expect(await may(stack, 'TaskRole', action, executionArn('other'))).toBe(false)
    }
    const own = lambdaArn('weather-TaskFunction')
    expect(await may(stack, 'TaskRole', 'lambda:InvokeFunction', `${own}:7`)).toBe(true)
    for (const other of [`${lambdaArn('weather-McpFunction')}:live`, `${lambdaArn('other')}:1`]) {
      expect(await may(stack, 'TaskRole', 'lambda:InvokeFunction', other)).toBe(false)
    }
    for (const call of calls) {
      expect([call, await may(stack, 'TaskRole', call, table('weather-Table'))]).toEqual([
        call,
        true,
      ])
      expect([call, await may(stack, 'TaskRole', call, table('other'))]).toEqual([call, false])
    }
    const stream = (name: string) => `${group(name)}:log-stream:one`
    expect(await may(stack, 'TaskRole', 'logs:PutLogEvents', stream('weather-TaskLogs'))).toBe(true)
    expect(await may(stack, 'TaskRole', 'logs:PutLogEvents', stream('weather-McpLogs'))).toBe(false)
    const read = 'secretsmanager:GetSecretValue'
    expect(await may(stack, 'TaskRole', read, secret('weather-Token'))).toBe(false)
  })

  const calls = STORE_CALLS.map((name) => `dynamodb:${name}`)

  it('let the server use its own table as its store does, and no other', async () => {
    const stack = made()
    expect(calls.length).toBeGreaterThanOrEqual(4)
    for (const call of calls) {
      expect([call, await may(stack, 'McpRole', call, table('weather-Table'))]).toEqual([
        call,
        true,
      ])
      expect([call, await may(stack, 'McpRole', call, table('other'))]).toEqual([call, false])
    }
    for (const call of ['Scan', 'DeleteTable', 'UpdateTable', 'BatchWriteItem', 'CreateTable']) {
      const action = `dynamodb:${call}`
      expect([call, await may(stack, 'McpRole', action, table('weather-Table'))]).toEqual([
        call,
        false,
      ])
    }
  })

  it('grant no right on the table that the store does not use', () => {
    const granted = statements(made())
      .flatMap(({ Action }) => Action)
      .filter((action) => action.startsWith('dynamodb:'))
    expect([...granted].sort()).toEqual([...calls].sort())
  })

  it('let each function write its own log', async () => {
    const stack = made()
    const stream = (name: string) => `${group(name)}:log-stream:one`
    for (const [id, own, other] of [
      ['McpRole', 'weather-McpLogs', 'weather-AuthorizerLogs'],
      ['AuthorizerRole', 'weather-AuthorizerLogs', 'weather-McpLogs'],
    ] as const) {
      for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents']) {
        expect(await may(stack, id, action, stream(own))).toBe(true)
        expect(await may(stack, id, action, stream(other))).toBe(false)
      }
    }
  })

  it('let both functions read the token, if there is one, and the authorizer does not reach the table', async () => {
    const stack = made()
    const read = 'secretsmanager:GetSecretValue'
    for (const id of ['McpRole', 'AuthorizerRole']) {
      expect(await may(stack, id, read, secret('weather-Token'))).toBe(true)
      expect(await may(stack, id, read, secret('other'))).toBe(false)
      expect(await may(stack, id, 'secretsmanager:PutSecretValue', secret('weather-Token'))).toBe(
        false,
      )
    }
    expect(await may(stack, 'AuthorizerRole', 'dynamodb:GetItem', table('weather-Table'))).toBe(
      false,
    )
    const open = made({ AuthMethod: 'none' })
    expect(await may(open, 'McpRole', read, secret('weather-Token'))).toBe(false)
  })

  it('let the report read its log group, in any region, only when it is on', async () => {
    const on = made({ BedrockLogGroup: '/bedrock/calls', BedrockRoleName: 'reader' })
    const off = made()
    const elsewhere = `arn:aws:logs:us-east-1:${number}:log-group:/bedrock/calls`
    for (const action of ['logs:StartQuery', 'logs:FilterLogEvents', 'logs:GetQueryResults']) {
      expect([action, await may(on, 'McpRole', action, group('/bedrock/calls'))]).toEqual([
        action,
        true,
      ])
      expect([action, await may(on, 'McpRole', action, elsewhere)]).toEqual([action, true])
      expect([action, await may(on, 'McpRole', action, group('/bedrock/other'))]).toEqual([
        action,
        false,
      ])
      expect([action, await may(off, 'McpRole', action, group('/bedrock/calls'))]).toEqual([
        action,
        false,
      ])
    }
    expect(await may(on, 'McpRole', 'logs:StopQuery', '*')).toBe(true)
    expect(await may(off, 'McpRole', 'logs:StopQuery', '*')).toBe(false)
    const role = (name: string) => `arn:aws:iam::999999999999:role/${name}`
    expect(await may(on, 'McpRole', 'sts:AssumeRole', role('reader'))).toBe(true)
    expect(await may(on, 'McpRole', 'sts:AssumeRole', role('admin'))).toBe(false)
    expect(await may(off, 'McpRole', 'sts:AssumeRole', role('reader'))).toBe(false)
  })

  it('let CodeDeploy move the alias of the server, and nothing else', async () => {
    const stack = made()
    const lambda = (name: string) => `arn:aws:lambda:${region}:${number}:function:${name}`
    for (const action of ['lambda:GetAlias', 'lambda:UpdateAlias']) {
      expect(await may(stack, 'DeploymentRole', action, lambda('weather-McpFunction'))).toBe(true)
      expect(await may(stack, 'DeploymentRole', action, lambda('other'))).toBe(false)
    }
    for (const action of ['lambda:UpdateFunctionCode', 'lambda:InvokeFunction']) {
      expect(await may(stack, 'DeploymentRole', action, lambda('weather-McpFunction'))).toBe(false)
    }
  })

  it('let the functions use the key and make network interfaces only where there are such', async () => {
    const key = `arn:aws:kms:${region}:${number}:key/1`
    const on = made({ KmsKeyArn: key, SubnetIds: 'subnet-1', SecurityGroupIds: 'sg-1' })
    // The simulator would need the policy of the key, which is not part of the stack.
    const onKey = (stack: Stack, id: string) =>
      Object.entries(stack.resources)
        .filter(([role]) => role === id)
        .flatMap(([, role]) => statementsOf(role))
        .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('kms:')))
    const rights = ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:DescribeKey']
    expect(onKey(on, 'McpRole')).toEqual([{ Effect: 'Allow', Action: rights, Resource: key }])
    expect(onKey(on, 'AuthorizerRole')).toMatchObject([{ Action: 'kms:Decrypt', Resource: key }])
    for (const id of ['McpRole', 'AuthorizerRole']) {
      expect(onKey(made(), id)).toEqual([])
      expect(await may(on, id, 'ec2:CreateNetworkInterface', '*')).toBe(true)
      expect(await may(made(), id, 'ec2:CreateNetworkInterface', '*')).toBe(false)
    }
  })

  it('let buckets be listed only when that tool is on, and never be read', async () => {
    expect(await may(made(), 'McpRole', 's3:ListAllMyBuckets', '*')).toBe(false)
    const on = made({ CountBuckets: 'true' })
    expect(await may(on, 'McpRole', 's3:ListAllMyBuckets', '*')).toBe(true)
    expect(await may(on, 'McpRole', 's3:GetObject', 'arn:aws:s3:::b/k')).toBe(false)
  })
})
