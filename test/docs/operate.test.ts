/** What the runbook names exists: alarms, parameters, metrics, widgets of the dashboard. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { METRICS, NAMESPACE } from '../../adapters/metrics.ts'
import { pageOf } from '../support/docs.ts'

const page = pageOf('docs/operate.md')
const template = readFileSync('template.yaml', 'utf8')

/** Names of a section of the template, such as the parameters. */
const namesOf = (section: string) => {
  const [, body = ''] = new RegExp(`^${section}:\n((?:(?: .*)?\n)*)`, 'm').exec(template) ?? []
  return [...body.matchAll(/^ {2}([A-Za-z]\w*):/gm)].map(([, name = '']) => name)
}
const parameters = namesOf('Parameters')
const alarms = namesOf('Resources').filter((name) => name.endsWith('Alarm'))
const metrics = Object.values(METRICS).flatMap((all) => all.map(([name]) => String(name)))

describe('docs/operate.md', () => {
  it('names only parameters, outputs, alarms and metrics that exist', () => {
    const named = [...page.matchAll(/`([A-Z][a-z]+[A-Z]\w+|[A-Z][a-z]\w+)(?:=([\w-]+))?`/g)]
    const known = [
      ...[...parameters, ...namesOf('Outputs'), ...alarms, ...metrics, ...Object.keys(METRICS)],
      NAMESPACE,
    ]
    expect(named.length).toBeGreaterThan(60)
    expect(named.map(([, name = '']) => name).filter((name) => !known.includes(name))).toEqual([])
    for (const [, name = '', value] of named) {
      if (value === undefined) continue
      const [, body = ''] = new RegExp(`^ {2}${name}:\n((?: {4}.*\n)*)`, 'm').exec(template) ?? []
      expect(`${name}: ${body}`).toContain(value)
    }
  })

  it('says for each alarm what helps', () => {
    expect(alarms.length).toBeGreaterThan(6)
    const rows = [...page.matchAll(/^\| `(\w+Alarm)`/gm)].map(([, name]) => name)
    expect(rows.sort()).toEqual([...alarms].sort())
  })

  it('has a row for each metric, and no other', () => {
    const table = page.slice(page.indexOf('| metric | unit |'))
    const rows = [...table.slice(0, table.indexOf('\n\n')).matchAll(/^\| `(\w+)`/gm)]
    expect(rows.map(([, name]) => name).sort()).toEqual([...new Set(metrics)].sort())
  })

  it('quotes only widgets that the dashboard has', () => {
    const titles = [...template.matchAll(/"title": "([^"]+)"/g)].map(([, title = '']) => title)
    const quoted = [...page.matchAll(/"([A-Z][a-z][\w ]+)"/g)].map(([, title = '']) => title)
    const quotas = ['Concurrent executions', 'Throttle rate', 'Internal error']
    const unknown = quoted.filter(
      (title) => !quotas.includes(title) && !titles.some((one) => one.startsWith(title)),
    )
    expect(unknown).toEqual([])
    expect(quoted.length).toBeGreaterThan(5)
  })

  it('computes the digest of a caller as the server does', async () => {
    const { bearer } = await import('../../src/index.ts')
    const { createHash } = await import('node:crypto')
    const auth = bearer({ tokens: [{ token: 'a-token-of-some-length', subject: 'someone' }] })
    const headers = { authorization: 'Bearer a-token-of-some-length' }
    const principal = await auth.verify(new Request('https://x.example', { headers }), {})
    expect(createHash('sha256').update('bearer\0someone').digest('base64url')).toBe(principal.id)
    expect(page).toContain(`update(process.argv[1] + "\\0" + process.argv[2])`)
  })

  it('deletes the state key where the store keeps it', async () => {
    const { recordKey } = await import('../../adapters/dynamodb/item.ts')
    const { pk, sk } = recordKey(['server', 'state-key'])
    expect(page).toContain(`'${JSON.stringify({ pk, sk })}'`)
  })
})
