/** The template as CloudFormation reads it: translated by SAM, with parameters, conditions and functions resolved. */

import { execFileSync } from 'node:child_process'
import { tools } from './lambda-host.ts'

export type Parameters = Readonly<Record<string, string>>

export interface Template {
  readonly Parameters: Readonly<
    Record<string, { readonly Default?: unknown; readonly AllowedValues?: readonly unknown[] }>
  >
  readonly Conditions: Readonly<Record<string, unknown>>
  readonly Rules?: Readonly<Record<string, Rule>>
  readonly Resources: Readonly<Record<string, Resource>>
  readonly Outputs: Readonly<Record<string, { readonly Condition?: string; Value: unknown }>>
}

interface Rule {
  readonly RuleCondition: unknown
  readonly Assertions: readonly { readonly Assert: unknown; readonly AssertDescription: string }[]
}

export interface Resource {
  readonly Type: string
  readonly Condition?: string
  readonly DependsOn?: string | readonly string[]
  readonly DeletionPolicy?: unknown
  readonly Properties: Readonly<Record<string, unknown>>
}

const TEMPLATE = new URL('../../template.yaml', import.meta.url).pathname

/** Translates `template.yaml` with SAM's own translator. CloudFormation gets the same result. */
export function translate(...sets: readonly Parameters[]): Template[] {
  return translateFile(TEMPLATE, sets)
}

function translateFile(template: string, sets: readonly Parameters[]): Template[] {
  const script = new URL('./translate.py', import.meta.url).pathname
  const output = execFileSync(`${tools}python/bin/python`, [script, template], {
    input: JSON.stringify(sets.length > 0 ? sets : [{}]),
    maxBuffer: 1e8,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  return JSON.parse(output.toString()) as Template[]
}

/** Returns the stack for a set of parameters. The template is the repository's own by default. */
export function stackOf(parameters: Parameters = {}, path: string = TEMPLATE): Stack {
  const [template] = translateFile(path, [parameters])
  if (template === undefined) throw new Error('nothing was translated')
  return evaluate(template, parameters)
}

export const account = {
  'AWS::AccountId': '123456789012',
  'AWS::Region': 'eu-west-1',
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'weather',
  'AWS::StackId':
    'arn:aws:cloudformation:eu-west-1:123456789012:stack/weather/0a1b2c3d-1111-2222-3333-444455556666',
}

/** A stack: the resources whose conditions are true, with all references resolved. */
export interface Stack {
  readonly resources: Readonly<Record<string, Resource>>
  readonly outputs: Readonly<Record<string, unknown>>
  readonly conditions: Readonly<Record<string, boolean>>
  /** The resources to which each resource refers. */
  readonly dependencies: Readonly<Record<string, ReadonlySet<string>>>
  /** The messages of the template's rules that these parameters break. */
  readonly objections: readonly string[]
}

const noValue = Symbol('AWS::NoValue')

/** Throws for a reference to something that is not in this stack, as CloudFormation does. */
export function evaluate(template: Template, given: Parameters = {}): Stack {
  const values: Record<string, unknown> = { ...account }
  for (const [name, { Default }] of Object.entries(template.Parameters)) {
    const value = given[name] ?? Default
    if (value === undefined) throw new Error(`parameter ${name} has no value`)
    values[name] = String(value)
  }
  const conditions: Record<string, boolean> = {}
  const referenced = new Set<string>()

  function condition(name: string): boolean {
    const known = conditions[name]
    if (known !== undefined) return known
    const made = Boolean(resolve(template.Conditions[name]))
    conditions[name] = made
    return made
  }

  function reference(id: string, attribute?: string): unknown {
    if (attribute === undefined) {
      if (id === 'AWS::NoValue') return noValue
      if (id in values) {
        const type = (template.Parameters[id] as { Type?: string } | undefined)?.Type
        return type === 'CommaDelimitedList' ? String(values[id]).split(',') : values[id]
      }
    }
    const resource = template.Resources[id]
    if (resource === undefined || (resource.Condition && !condition(resource.Condition))) {
      throw new Error(`${id} is referred to, but is not in this stack`)
    }
    referenced.add(id)
    return attributeOf(id, resource.Type, attribute)
  }

  function substitute(text: string, local: Readonly<Record<string, unknown>>): string {
    return text.replace(/\$\{([^!}][^}]*)\}/g, (_, name: string) => {
      if (name in local) return String(local[name])
      const [id = '', ...attribute] = name.split('.')
      return String(reference(id, attribute.length > 0 ? attribute.join('.') : undefined))
    })
  }

  const functions: Record<string, (argument: never) => unknown> = {
    Ref: (id: string) => reference(id),
    Condition: (name: string) => condition(name),
    'Fn::GetAtt': ([id, ...attribute]: string[]) => reference(id ?? '', attribute.join('.')),
    'Fn::Sub': (argument: string | [string, Record<string, unknown>]) =>
      typeof argument === 'string'
        ? substitute(argument, {})
        : substitute(argument[0], resolve(argument[1]) as Record<string, unknown>),
    'Fn::If': ([name, yes, no]: [string, unknown, unknown]) => resolve(condition(name) ? yes : no),
    'Fn::Equals': (pair: unknown) => {
      const [left, right] = resolve(pair) as [unknown, unknown]
      return String(left) === String(right)
    },
    'Fn::Not': (all: unknown) => !(resolve(all) as boolean[])[0],
    'Fn::And': (all: unknown) => (resolve(all) as boolean[]).every(Boolean),
    'Fn::Or': (all: unknown) => (resolve(all) as boolean[]).some(Boolean),
    'Fn::Join': (argument: unknown) => {
      const [separator, parts] = resolve(argument) as [string, string[]]
      return parts.join(separator)
    },
    'Fn::Split': (argument: unknown) => {
      const [separator, text] = resolve(argument) as [string, string]
      return text.split(separator)
    },
    'Fn::Select': (argument: unknown) => {
      const [index, list] = resolve(argument) as [number, unknown[]]
      return list[index]
    },
  }

  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== noValue)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
    const [only] = entries
    const called = entries.length === 1 && only ? functions[only[0]] : undefined
    if (called && only) return called(only[1] as never)
    if (only?.[0].startsWith('Fn::')) throw new Error(`${only[0]} is not known here`)
    return Object.fromEntries(
      entries.map(([key, item]) => [key, resolve(item)]).filter(([, item]) => item !== noValue),
    )
  }

  const resources: Record<string, Resource> = {}
  const dependencies: Record<string, ReadonlySet<string>> = {}
  for (const [id, resource] of Object.entries(template.Resources)) {
    if (resource.Condition !== undefined && !condition(resource.Condition)) continue
    referenced.clear()
    resources[id] = resolve(resource) as Resource
    const after = [resource.DependsOn ?? []].flat().filter((other) => {
      const { Condition } = template.Resources[other] ?? {}
      return Condition === undefined || condition(Condition)
    })
    dependencies[id] = new Set([...referenced, ...after])
  }
  const outputs = Object.entries(template.Outputs).filter(
    ([, { Condition }]) => Condition === undefined || condition(Condition),
  )
  const objections = Object.values(template.Rules ?? {}).flatMap(({ RuleCondition, Assertions }) =>
    resolve(RuleCondition)
      ? Assertions.filter(({ Assert }) => !resolve(Assert)).map((it) => it.AssertDescription)
      : [],
  )
  return {
    resources,
    outputs: Object.fromEntries(outputs.map(([name, { Value }]) => [name, resolve(Value)])),
    conditions,
    dependencies,
    objections,
  }
}

/** Returns invented values for `Ref` and `GetAtt`, in the form of real ones. */
function attributeOf(id: string, type: string, attribute?: string): string {
  const { 'AWS::Region': region, 'AWS::AccountId': number } = account
  const name = `weather-${id}`
  const arn: Record<string, string> = {
    'AWS::Lambda::Function': `arn:aws:lambda:${region}:${number}:function:${name}`,
    'AWS::DynamoDB::Table': `arn:aws:dynamodb:${region}:${number}:table/${name}`,
    'AWS::Logs::LogGroup': `arn:aws:logs:${region}:${number}:log-group:${name}:*`,
    'AWS::IAM::Role': `arn:aws:iam::${number}:role/${name}`,
  }
  if (attribute === 'Arn') return arn[type] ?? `arn:aws:${id}`
  if (attribute === 'ApiEndpoint')
    return `https://${id.toLowerCase()}.execute-api.${region}.amazonaws.com`
  if (attribute !== undefined) return `${name}-${attribute}`
  if (type === 'AWS::ApiGateway::RestApi') return 'abc123'
  if (type === 'AWS::SecretsManager::Secret') {
    return `arn:aws:secretsmanager:${region}:${number}:secret:${name}-AbCdEf`
  }
  if (type === 'AWS::Cognito::UserPool') return `${region}_AbCdEf123`
  return name
}
