/** AWS settings for a test: keys, no pauses between attempts, and stand-ins that are closed at its end. */
import { afterEach, beforeEach } from 'vitest'

/** Variables that are removed, so that profile, region and endpoint of this machine do not affect the tests. */
const own = /^AWS_/

let before: Record<string, string | undefined>
let open: { close(): Promise<void> }[] = []

export function useFakeAws(): void {
  beforeEach(() => {
    before = { ...process.env }
    for (const name of Object.keys(process.env)) if (own.test(name)) delete process.env[name]
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'AKIAOWN',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      // Otherwise the AWS client would pause for real time between attempts.
      AWS_MAX_ATTEMPTS: '1',
    })
  })
  afterEach(async () => {
    await Promise.all(open.map((server) => server.close()))
    open = []
    for (const name of Object.keys(process.env)) if (own.test(name)) delete process.env[name]
    for (const [name, value] of Object.entries(before)) {
      if (own.test(name)) process.env[name] = value
    }
  })
}

export function closing<T extends { close(): Promise<void> }>(server: T): T {
  open.push(server)
  return server
}
