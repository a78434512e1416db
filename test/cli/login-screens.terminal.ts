/** Compares the screens of a login, at two widths, with and without color, with screens that a person has checked. */
import { afterAll, expect, it } from 'vitest'
import { oauth } from '../../src/index.ts'
import { startServer } from '../support/auth-server.ts'
import { headlessBrowser } from '../support/cli-run.ts'
import { program, temporaryHome } from '../support/cli-terminal.ts'
import { startOidcProvider } from '../support/oidc-provider.ts'
import { screenOf } from '../support/screen.ts'
import { openTerminal } from '../support/terminal.ts'

const issuer = await startOidcProvider({ scopes: ['files:read', 'files:write'] })
const server = await startServer((url) =>
  oauth({ issuer: issuer.url, resource: url, requiredScopes: ['files:read'] }),
)
const home = await temporaryHome()
afterAll(() => Promise.all([server.close(), issuer.close(), home.remove()]))

/** The URL of the page differs from run to run, and so does the place where a narrow screen breaks it. */
const steady = (screen: string) =>
  screen
    .replace(/ {2}http[^ ]*?(?=\n(?:The browser|«|Open))/s, '  URL')
    .replace(/\d+ minutes left/, 'N minutes left')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'ISSUER')

it.each([
  [80, true],
  [80, false],
  [120, true],
  [120, false],
] as const)('at %i columns, colors: %s', { timeout: 60_000 }, async (columns, colors) => {
  const screens: string[] = []
  for (const [command, end] of [
    ['auth login', /Logged in\.\s/],
    ['auth status', /renewed by itself\.\s/],
    ['auth logout', /Logged out\.\s/],
    ['auth status', /Not logged in|no login/i],
  ] as const) {
    const terminal = openTerminal(
      [process.execPath, program, ...command.split(' '), '--url', server.url],
      {
        STREAMABLE_MCP_HOME: home.path,
        BROWSER: headlessBrowser,
        NO_COLOR: colors ? '' : '1',
      },
      columns,
    )
    try {
      await terminal.sees(end)
      screens.push(`── ${command} ──\n${steady(screenOf(terminal.raw(), columns, colors))}`)
    } finally {
      terminal.close()
    }
  }
  const name = `screens/login-${columns}${colors ? '-color' : ''}.txt`
  await expect(`${screens.join('\n\n')}\n`).toMatchFileSnapshot(name)
})
