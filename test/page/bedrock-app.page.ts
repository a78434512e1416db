/** The page of the usage report in a real browser, within a sandbox and policy as clients with MCP Apps set them. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, FrameLocator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PAGE } from '../../reference/tools/bedrock-report/app-page.ts'
import { bedrockReport } from '../../reference/tools/bedrock-report.ts'
import type { CallToolResult } from '../../src/index.ts'
import { group, now, useLogs } from '../support/bedrock-logs.ts'
import type { Watched } from '../support/chromium.ts'
import { openPage, startChromium } from '../support/chromium.ts'
import { useFakeAws } from '../support/fake-aws.ts'
import { monthOfUsage } from '../support/month-of-usage.ts'
import { serverWith, textOf } from '../support/tool-calls.ts'
import { fetchEndpoint, ModernClient } from '../support/wire.ts'

useFakeAws()

/** The policy that a client has to set for a page that names no origin. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'"

/** A client: it shows the page in a frame without an origin, answers its handshake, and gives it the result. */
function clientPage(result: CallToolResult, hostContext: object): string {
  const page = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">${PAGE}`
  const told = JSON.stringify({ result, hostContext, page }).replaceAll('<', '\\u003c')
  return `<!doctype html><title>Client</title><body style="margin:0"><script>
const { result, hostContext, page } = ${told}
const frame = document.createElement('iframe')
frame.sandbox = 'allow-scripts'
frame.style.cssText = 'border:0;width:100%'
frame.srcdoc = page
window.sizes = []
addEventListener('message', ({ source, data }) => {
  if (source !== frame.contentWindow) return
  const reply = (message) => source.postMessage({ jsonrpc: '2.0', ...message }, '*')
  if (data.method === 'ui/initialize') reply({ id: data.id, result: { protocolVersion: data.params.protocolVersion, hostInfo: {}, hostCapabilities: {}, hostContext } })
  if (data.method === 'ui/notifications/initialized') reply({ method: 'ui/notifications/tool-result', params: result })
  if (data.method === 'ui/notifications/size-changed') { frame.style.height = data.params.height + 'px'; window.sizes.push(data.params) }
})
document.body.append(frame)
</script>`
}

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser?.close())

const withApps = {
  capabilities: {
    extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } },
  },
}

async function reportOf(prices?: Record<string, { input: number; output: number }>) {
  await useLogs(monthOfUsage())
  const mcp = serverWith((server) => bedrockReport(server, { clock: () => now, prices }))
  const client = new ModernClient(fetchEndpoint(mcp), withApps)
  const args = { region: 'us-east-1', log_group_name: group, days: 30 }
  return (await client.call('get_bedrock_usage_report', args)).result() as Promise<CallToolResult>
}

interface Shown extends Watched {
  readonly frame: FrameLocator
  close(): Promise<void>
}

async function show(result: CallToolResult, options: object = {}, context = {}): Promise<Shown> {
  const server = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end(clientPage(result, context)),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const watched = await openPage(browser, `http://127.0.0.1:${port}/`, options)
  const close = async () => {
    await watched.page.context().close()
    server.close()
    // Nothing but the client's own page was asked for, and nothing broke the policy.
    expect([...watched.origins]).toEqual([`http://127.0.0.1:${port}`])
    expect(watched.problems.filter((problem) => !problem.includes('favicon'))).toEqual([])
  }
  return { ...watched, frame: watched.page.frameLocator('iframe'), close }
}

/** Writes a picture to look at, where `SCREENSHOTS` names a folder. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

/** The lines that the table and the text have in common: names, and figures without separators. */
async function tableOf(frame: FrameLocator): Promise<string[]> {
  const rows = await frame.locator('#rows tr').all()
  return Promise.all(
    rows.map(async (row) =>
      (await row.locator('td').allInnerTexts()).join(' ').replaceAll(',', '').trim(),
    ),
  )
}

function linesOf(text: string, section: string): string[] {
  const [, part = ''] = text.split(`--- ${section} ---\n`)
  const [lines = ''] = part.split('\n\n')
  return lines.split('\n').map((line) => {
    const [, name, ...figures] =
      /^(.*): Requests=(\d+), Input=(\d+), Completion=(\d+), Total=(\d+)(?:, Cost=(\S+))?$/.exec(
        line,
      ) ?? []
    return [name, ...figures].filter((figure) => figure !== undefined).join(' ')
  })
}

describe('the page of the usage report', () => {
  it('shows the figures of the text by day, model and user, and asks for nothing', async () => {
    const result = await reportOf()
    const text = textOf(result)
    const { frame, close, page } = await show(result)
    await frame.locator('#main').waitFor()
    expect(await tableOf(frame)).toEqual(linesOf(text, 'Daily Totals'))
    expect(await frame.locator('#chart rect').count()).toBe(90)
    await frame.getByRole('button', { name: 'By model' }).click()
    expect(await tableOf(frame)).toEqual(linesOf(text, 'Model Summary'))
    await frame.getByRole('button', { name: 'By user' }).click()
    expect(await tableOf(frame)).toEqual(linesOf(text, 'User Summary'))
    const totals = (await frame.locator('#totals').innerText()).replaceAll(',', '')
    expect(totals).toContain(/Total Tokens: (\d+)/.exec(text)?.[1])
    expect(await page.evaluate('window.sizes.at(-1).height')).toBeGreaterThan(200)
    await frame.getByRole('button', { name: 'By day' }).click()
    await picture(page, 'report-light')
    await close()
  })

  it('is used by keyboard, at 360 pixels, in the theme of the client', async () => {
    const prices = { 'nova-lite-v1:0': { input: 60, output: 240 } }
    const result = await reportOf(prices)
    const context = { theme: 'dark', styles: { variables: { '--color-text-primary': '#f0f0f0' } } }
    const { frame, page, close } = await show(result, { width: 360 }, context)
    await frame.locator('#main').waitFor()
    await frame.getByRole('button', { name: 'By day' }).focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await frame.locator('[aria-pressed=true]').innerText()).toBe('By model')
    await frame.getByLabel('Figure', { exact: true }).selectOption('cost')
    const costs = linesOf(textOf(result), 'Model Summary')
    expect(await tableOf(frame)).toEqual(costs)
    expect(await frame.locator('#totals').innerText()).toContain('about $')
    const root = frame.locator('html')
    expect(await root.evaluate((html) => getComputedStyle(html).colorScheme)).toBe('dark')
    expect(await root.evaluate((html) => html.scrollWidth <= html.clientWidth)).toBe(true)
    await picture(page, 'report-dark')
    await close()
  })

  it('shows names that attack as text', async () => {
    const result = await reportOf()
    const report = result.structuredContent as { models: { model: string }[] }
    const attack = '<img src=https://evil.example onerror="parent.hacked=1">'
    report.models.push({ ...report.models[0], model: attack })
    const { frame, page, close } = await show(result)
    await frame.getByRole('button', { name: 'By model' }).click()
    expect(await frame.locator('#rows td').allInnerTexts()).toContain(attack)
    expect(await frame.locator('img').count()).toBe(0)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    await close()
  })
})
