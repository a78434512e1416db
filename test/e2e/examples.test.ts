/** The examples run without changes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { LegacyClient } from '../support/wire.ts'

describe('the embedding example', () => {
  it('serves its own routes and the endpoint below its path, and stops while a client listens', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'examples/embed/server.ts'], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [line] = await once(child.stdout, 'data')
      const url = String(line).trim()
      expect(await (await fetch(new URL('/', url))).text()).toBe('The shop')
      const client = await LegacyClient.open({ url, fetch, close: async () => {} }, '2025-11-25')
      expect(client.server.serverInfo.name).toBe('shop')
      const stream = await client.get()
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit')
      expect(code).toBe(0)
      expect(await stream.rest()).toEqual([])
    } finally {
      child.kill('SIGKILL')
    }
  })
})
