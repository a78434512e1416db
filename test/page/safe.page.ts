/** The page in a real browser: attacks of a server, accessibility, small and dark screens, time to the first render. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { buildPage } from '../../page/build.ts'
import { call, choose, openPage, seen, startChromium } from '../support/chromium.ts'
import { listen } from '../support/listener.ts'
import { createAttacker } from '../support/page-attacker.ts'
import { createOurs, fetchOf, serveFetch } from '../support/page-servers.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let browser: Browser
beforeAll(async () => {
  await buildPage()
  browser = await startChromium()
})
afterAll(() => browser?.close())

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openOurs(options = {}) {
  const { mcp } = createOurs()
  closing.push(() => mcp.close({ grace: 0 }))
  const server = await serveFetch(fetchOf(mcp))
  closing.push(() => server.close())
  const watched = await openPage(browser, server.url, options)
  closing.push(() => watched.page.context().close())
  await watched.page.locator('.panel').waitFor()
  return { ...watched, url: server.url }
}

it('runs nothing of a hostile server and sends nothing elsewhere', async () => {
  const reached: string[] = []
  const target = await listen((request, response) => {
    reached.push(request.url ?? '')
    response.end()
  })
  closing.push(() => target.close())
  const { mcp, schema } = createAttacker(target.url)
  closing.push(() => mcp.close({ grace: 0 }))
  // The library refuses such a schema when it is registered, so it is put into the list here.
  const server = await serveFetch(async (request) => {
    const isList = request.headers.get('mcp-method') === 'tools/list'
    const response = await mcp.fetch(request)
    if (!isList) return response
    const body = await response.json()
    const [first] = body.result.tools
    Object.assign(first, { inputSchema: schema, icons: [{ src: `${target.url}/icon.png` }] })
    return Response.json(body)
  })
  closing.push(() => server.close())
  const { page } = await openPage(browser, server.url)
  closing.push(() => page.context().close())
  const popups: string[] = []
  page.context().on('page', (popup) => popups.push(popup.url()))
  await page.locator('.list button').first().click()
  await page.locator('.panel .form').waitFor()
  await call(page)
  await page.locator('.run .block').first().waitFor()
  for (const way of ['Tree', 'Table', 'JSON']) {
    await page.locator('.run').getByRole('button', { name: way, exact: true }).first().click()
  }
  // The App is there, and has had the time for its attacks.
  await seen(page.locator('.panel'), 'messages of the App')
  await page.waitForTimeout(1_000)
  await page.getByRole('navigation').getByRole('button', { name: 'Connect' }).click()
  await seen(page, 'Claude Code')
  await page.getByRole('navigation').getByRole('button', { name: 'Tools' }).click()
  await choose(page, 'ask')
  await call(page)
  await page.locator('.question').waitFor()
  expect(await page.evaluate(() => Reflect.get(window, 'hacked'))).toBeUndefined()
  expect(await page.title()).toBe('MCP server')
  expect(page.url()).toBe(server.url)
  expect(popups).toEqual([])
  // The policy lets the browser try, and stops every request before it leaves.
  expect(reached).toEqual([])
  const links = await page
    .locator('a[href]')
    .evaluateAll((all) => all.map((a) => a.getAttribute('href')))
  expect(links.filter((href) => /^\s*(javascript|data|vbscript):/i.test(href ?? ''))).toEqual([])
})

/** The findings of axe that a person with a disability would meet. */
async function seriousFindings(page: Page): Promise<string[]> {
  // The policy of the page forbids scripts of others, and the debugger may still run one.
  await page.evaluate(AXE)
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>
      }
    }
    return (await axe.run()).violations
  })
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 150)).join(' | ')}`)
}

it.each([
  ['light', {}],
  ['dark', { dark: true }],
  ['on a phone', { width: 360, height: 740 }],
])('has no serious findings of axe, %s, and fits the screen', async (_, options) => {
  const { page, problems } = await openOurs(options)
  const findings: string[] = []
  const look = async () => {
    findings.push(...(await seriousFindings(page)))
    const room = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ])
    expect(room[0]).toBeLessThanOrEqual(room[1] ?? 0)
  }
  await look()
  for (const [tool, text] of [
    ['rows', 'Oslo'],
    ['media', 'embedded text'],
    ['steps', 'all steps'],
  ] as const) {
    await choose(page, tool)
    await call(page)
    await seen(page.locator('.run'), text)
  }
  await look()
  await page.locator('aside summary').first().click()
  await page.locator('.snippets summary').click()
  await look()
  await choose(page, 'ask')
  await call(page)
  await page.locator('.question').waitFor()
  await look()
  await page.getByRole('navigation').getByRole('button', { name: 'Connect' }).click()
  await look()
  expect(findings).toEqual([])
  expect(problems).toEqual([])
})

it('is used with the keyboard alone', async () => {
  const { page } = await openOurs()
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '')
  const tabTo = async (text: string) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab')
      if ((await focused()).startsWith(text)) return
    }
    throw new Error(`The keyboard does not reach ${text}.`)
  }
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Skip to the content')
  await tabTo('greet')
  await page.keyboard.press('Enter')
  await page.locator('.panel').getByLabel('name').waitFor()
  await tabTo('Schema')
  await page.keyboard.press('Tab')
  await page.keyboard.type('Ada')
  await page.keyboard.press('Enter')
  await seen(page.locator('.run'), 'Hello Ada')
})

it('renders soon: little later than an empty page', async () => {
  const { mcp } = createOurs()
  closing.push(() => mcp.close({ grace: 0 }))
  const empty = '<!doctype html><title>empty</title><p>empty</p>'
  const server = await serveFetch((request) =>
    new URL(request.url).pathname === '/empty'
      ? new Response(empty, { headers: { 'content-type': 'text/html' } })
      : mcp.fetch(request),
  )
  closing.push(() => server.close())
  const firstPaint = async (url: string) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(url)
    await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length)
    const paint = await page.evaluate(
      () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
    )
    await context.close()
    return paint
  }
  const times = { empty: [] as number[], ours: [] as number[] }
  for (let i = 0; i < 5; i++) {
    times.empty.push(await firstPaint(new URL('/empty', server.url).href))
    times.ours.push(await firstPaint(server.url))
  }
  const best = (all: number[]) => Math.min(...all)
  const ratio = best(times.ours) / best(times.empty)
  process.stdout.write(
    `First render after ${best(times.ours).toFixed(0)} ms, of an empty page after ${best(times.empty).toFixed(0)} ms: ${ratio.toFixed(2)} times.\n`,
  )
  expect(ratio).toBeLessThan(5)
})
