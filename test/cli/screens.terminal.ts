/** Compares the screens of the prompt, at two widths, with and without color, with screens that a person has checked. */
import * as v from 'valibot'
import { afterAll, expect, it } from 'vitest'
import { startCliServer } from '../support/cli-server.ts'
import { program, temporaryHome } from '../support/cli-terminal.ts'
import { screenOf } from '../support/screen.ts'
import { openTerminal } from '../support/terminal.ts'

const server = await startCliServer()
server.mcp.tool(
  'report',
  {
    description:
      'Reads the usage of the last days, groups it by region, model and user, and prints a table that people can read',
    input: v.object({
      days: v.pipe(
        v.number(),
        v.description('How many days back from now, at least one and at most ninety of them'),
      ),
    }),
  },
  () => 'nothing',
)
const home = await temporaryHome()
afterAll(async () => {
  await server.close()
  await home.remove()
})

/** Ports, times and durations differ from run to run. */
function steady(screen: string): string {
  return screen
    .replaceAll(String(server.port), 'PORT')
    .replace(/\d\d:\d\d:\d\d/g, 'HH:MM:SS')
    .replace(/\d+ ms/g, 'N ms')
    .replace(/within \d+ s/, 'within N s')
    .replace(/events at [\d, ]+N ms/, 'events at N ms')
}

it.each([
  [80, true],
  [80, false],
  [120, true],
  [120, false],
] as const)('at %i columns, colors: %s', { timeout: 60_000 }, async (columns, colors) => {
  const terminal = openTerminal(
    [process.execPath, program, '--url', server.url, '--era', 'legacy'],
    { STREAMABLE_MCP_HOME: home.path, BROWSER: 'none', NO_COLOR: colors ? '' : '1' },
    columns,
  )
  try {
    await terminal.sees(/Connected to .*\n/)
    await terminal.sees('> ')
    const screens: string[] = []
    /** Keeps a screen. Output after the text `until` is left out, because it may not have arrived yet. */
    const shot = (name: string, until?: string): void => {
      const raw = terminal.raw()
      const end = until === undefined ? raw.length : raw.indexOf(until) + until.length
      screens.push(`── ${name} ──\n${steady(screenOf(raw.slice(0, end), columns, colors))}`)
    }
    terminal.enter('multi-greet Ann')
    await terminal.sees('67 %')
    shot('progress', '67 % greeting')
    await terminal.sees('Good morning, Ann!')
    await terminal.sees('> ')
    terminal.enter('list')
    await terminal.sees('ninety')
    await terminal.sees('> ')
    shot('list')
    terminal.enter('call ask')
    await terminal.sees('[text] ')
    terminal.enter('Ann')
    await terminal.sees('[one of these] ')
    shot('question')
    terminal.type('\u0003')
    await terminal.sees('Cancelled.')
    await terminal.sees('> ')
    terminal.enter('call add a=1')
    await terminal.sees('[number] ')
    shot('form')
    terminal.enter('2')
    await terminal.sees('> ')
    terminal.enter('call gret')
    await terminal.sees('> ')
    terminal.enter('read note://none')
    await terminal.sees('> ')
    shot('errors')
    terminal.enter('help')
    await terminal.sees('quit, exit')
    await terminal.sees('> ')
    shot('help')
    terminal.enter('doctor http://127.0.0.1:2/mcp')
    await terminal.sees(/1 error/)
    await terminal.sees('> ')
    terminal.enter('doctor')
    await terminal.sees(/Nothing found|error/)
    await terminal.sees('> ')
    shot('doctor')
    // Each screen contains the ones before it, so only the new part is compared.
    let shown = 0
    const parts = screens.map((screen) => {
      const lines = screen.split('\n')
      const part = [lines[0], ...lines.slice(1 + shown)].join('\n')
      shown = lines.length - 2
      return part
    })
    const name = `screens/${columns}${colors ? '-color' : ''}.txt`
    await expect(`${parts.join('\n\n')}\n`).toMatchFileSnapshot(name)
    const widest = screenOf(terminal.raw(), columns)
      .split('\n')
      .map((line) => [...line].length)
    expect(Math.max(...widest)).toBeLessThanOrEqual(columns)
  } finally {
    terminal.close()
  }
})
