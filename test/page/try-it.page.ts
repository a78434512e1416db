/** The page in a real browser: what it lists and how it tries it, in both eras, against three servers. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { buildPage } from '../../page/build.ts'
import type { Watched } from '../support/chromium.ts'
import { call, choose, openPage, seen, startChromium } from '../support/chromium.ts'
import type { PageServer } from '../support/page-servers.ts'
import { createOurs, createV1, createV2, fetchOf, serveFetch } from '../support/page-servers.ts'

let browser: Browser
beforeAll(async () => {
  await buildPage()
  browser = await startChromium()
})
afterAll(() => browser?.close())

const closing: (() => Promise<unknown>)[] = []
let watched: Watched | undefined
afterEach(async () => {
  const { page, problems } = watched ?? {}
  watched = undefined
  await page?.context().close()
  for (const close of closing.splice(0)) await close()
  // Every test ends without an error of a script, and without a violation of the policy.
  expect(problems ?? []).toEqual([])
})

async function open(server: PageServer, era?: string): Promise<Page> {
  closing.push(() => server.close())
  watched = await openPage(browser, server.url)
  const { page } = watched
  await page.locator('nav').waitFor()
  if (era) {
    await page.getByLabel('Protocol').selectOption(era)
    await page.getByText(`speaks ${era}`).waitFor()
  }
  await page.locator('.panel').waitFor()
  return page
}

async function openOurs(era?: string) {
  const ours = createOurs()
  closing.push(() => ours.mcp.close({ grace: 0 }))
  return { ...ours, page: await open(await serveFetch(fetchOf(ours.mcp)), era) }
}

describe.each([
  ['ours', '2026-07-28', () => fetchOf(createOurs().mcp)],
  ['ours', '2025-11-25', () => fetchOf(createOurs().mcp)],
  ['sdk-v1', '2025-11-25', createV1],
  ['sdk-v2', '2026-07-28', createV2],
  ['sdk-v2', '2025-11-25', createV2],
] as const)('the server %s in %s', (name, era, create) => {
  it('is listed, called and read, and the page sends nothing elsewhere', async () => {
    const server = await serveFetch(create())
    const page = await open(server, era)
    await seen(page.locator('h1'), name)
    await choose(page, 'greet')
    await page.locator('.panel').getByLabel('name').fill('Ada')
    await call(page)
    await seen(page.locator('.run'), 'Hello Ada')
    if (name !== 'ours') await seen(page.locator('.run'), '1 notifications')
    await page.getByRole('navigation').getByRole('button', { name: 'Resources' }).click()
    await choose(page, 'today')
    await call(page, 'Read')
    await seen(page.locator('.run'), 'Buy milk')
    await seen(page.locator('aside'), 'resources/read')
    expect(Array.from(watched?.origins ?? [])).toEqual([new URL(server.url).origin])
  })
})

describe.each(['2026-07-28', '2025-11-25'])('in %s', (era) => {
  it('a form has a field for each part of a schema, and sends what was filled in', async () => {
    const { page, given } = await openOurs(era)
    const panel = page.locator('.panel')
    await choose(page, 'everything')
    await seen(panel, 'Your whole name')
    await panel.getByLabel('name required').fill('Ada')
    await panel.getByLabel('count').fill('3')
    await panel.getByLabel('sure').check()
    await panel.getByLabel('size').selectOption('large')
    await panel.getByLabel('street').fill('Main street 1')
    const places = panel.getByRole('group', { name: 'places' })
    await places.getByRole('button', { name: 'Add an item' }).click()
    await places.getByLabel('street').fill('Second street 2')
    await panel.getByLabel('new').check()
    await panel.getByLabel('pay').selectOption({ label: 'card' })
    await panel.getByLabel('number').fill('4242')
    await panel
      .getByLabel('file')
      .setInputFiles({ name: 'a.bin', mimeType: 'text/plain', buffer: Buffer.from('bytes') })
    const labels = panel.getByRole('group', { name: 'labels' })
    await labels.getByRole('button', { name: 'Add an entry' }).click()
    await labels.getByLabel('Name 1').fill('colour')
    await labels.getByLabel('Name 1').press('Tab')
    await labels.getByLabel('colour').fill('red')
    await seen(panel, '5 bytes, sent in base64')
    await call(page)
    await seen(page.locator('.run'), /^Done after/)
    expect(given).toEqual([
      {
        name: 'Ada',
        count: 3,
        sure: true,
        size: 'large',
        home: { street: 'Main street 1' },
        places: [{ street: 'Second street 2' }],
        tags: ['new'],
        pay: { kind: 'card', number: '4242' },
        file: Buffer.from('bytes').toString('base64'),
        labels: { colour: 'red' },
      },
    ])
  })

  it('results are shown as table, tree, image, link, Markdown and error', async () => {
    const { page } = await openOurs(era)
    const run = page.locator('.run')
    await choose(page, 'rows')
    await call(page)
    await run.getByRole('cell', { name: 'Oslo' }).waitFor()
    await run.getByRole('button', { name: 'degrees' }).click()
    expect(await run.locator('tbody tr').first().innerText()).toMatch(/Oslo/)
    await run.getByRole('button', { name: 'Tree' }).click()
    await seen(run, 'rows:')
    await choose(page, 'media')
    await call(page)
    await run.getByRole('img').waitFor()
    expect(await run.getByRole('img').evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(1)
    await seen(run, 'embedded text')
    await run.getByRole('heading', { name: 'Report' }).waitFor()
    const link = run.getByRole('link', { name: 'site' })
    expect(await link.getAttribute('rel')).toContain('noopener')
    await run.getByRole('button', { name: 'Read' }).click()
    await seen(page.locator('.panel h2'), 'today')
    await page.getByRole('navigation').getByRole('button', { name: 'Tools' }).click()
    await choose(page, 'fail')
    await call(page)
    await seen(run, 'The tool reports an error')
    expect(await run.innerText()).not.toContain('inside')
  })
})
