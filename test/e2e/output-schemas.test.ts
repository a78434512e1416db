/** Every form of output schema with the official clients, which check each result against the listed schema. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import type { Official } from '../support/official-clients.ts'
import { OFFICIAL } from '../support/official-clients.ts'
import { createOutputServer, OUTPUTS } from '../support/output-schemas.ts'

describe.each(OFFICIAL)('to the official client %s', (_, era, open) => {
  let serving: NodeServer | undefined
  let client: Official | undefined
  beforeAll(async () => {
    serving = await serve(createOutputServer(), { port: 0, grace: 0, signals: false })
    client = await open(`http://127.0.0.1:${serving.port}/mcp`)
    // The clients only check results of tools that they have listed.
    expect(await client.list('tools')).toHaveLength(OUTPUTS.length + 1)
  })
  afterAll(async () => {
    await client?.close()
    await serving?.close()
  })

  it.each(OUTPUTS)('the result of %s matches the listed schema', async (name, _schema, value) => {
    const result = await client?.call(name)
    expect(result?.isError).toBeFalsy()
    const { structuredContent } = result ?? {}
    const wrapped = { result: value }
    expect(era === 'modern' ? [value] : [value, wrapped]).toContainEqual(structuredContent)
    expect(JSON.parse(result?.content[0]?.text ?? '')).toEqual(value)
  })
})
