/** Calls that take time, in a real browser: progress, questions, cancellation, tasks, Apps, and logins. */
import type { Browser } from 'playwright-core'
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { page as pageFor } from '../../adapters/page.ts'
import { buildPage } from '../../page/build.ts'
import type { Auth, McpOptions } from '../../src/index.ts'
import { app, bearer, createMcp, oauth } from '../../src/index.ts'
import type { Watched } from '../support/chromium.ts'
import { call, choose, openPage, seen, startChromium } from '../support/chromium.ts'
import { startOidcProvider } from '../support/oidc-provider.ts'
import { createOurs, fetchOf, serveFetch } from '../support/page-servers.ts'

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
  expect(problems ?? []).toEqual([])
})

async function openOurs(era: string, options: Partial<McpOptions> = {}) {
  const ours = createOurs(options)
  closing.push(() => ours.mcp.close({ grace: 0 }))
  const server = await serveFetch(fetchOf(ours.mcp))
  closing.push(() => server.close())
  watched = await openPage(browser, server.url)
  const { page } = watched
  await page.getByLabel('Protocol').selectOption(era)
  await seen(page, `speaks ${era}`)
  return { ...ours, page }
}

describe.each(['2026-07-28', '2025-11-25'])('in %s', (era) => {
  it('progress and log messages are shown while a call runs', async () => {
    const { page } = await openOurs(era)
    await choose(page, 'steps')
    await call(page)
    await seen(page.locator('.run'), 'Running…')
    await seen(page.locator('.notes'), 'step 1')
    await seen(page.locator('.run'), 'all steps')
    const notes = await page.locator('.notes li').allTextContents()
    expect(notes.filter((note) => note.includes('info: did'))).toHaveLength(3)
    expect(notes.filter((note) => note.includes('progress'))).toHaveLength(3)
  })

  it('a form, a URL and a request for a model are answered by the person', async () => {
    const { page } = await openOurs(era)
    const question = page.locator('.question')
    await choose(page, 'ask')
    await call(page)
    await seen(question, 'Which city?')
    // The keyboard is where the question is.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('question')
    await question.getByLabel('city').fill('Bern')
    await question.getByLabel('city').press('Enter')
    await seen(page.locator('.run'), 'You said Bern')
    await call(page)
    await question.getByRole('button', { name: 'Decline' }).click()
    await seen(page.locator('.run'), 'decline')
    await choose(page, 'visit')
    await call(page)
    await seen(question, 'pay.example.com')
    const link = question.getByRole('link')
    expect(await link.getAttribute('href')).toBe('https://pay.example.com/42')
    await question.getByRole('button', { name: 'I agree' }).click()
    await seen(page.locator('.run'), 'visit: accept')
    await choose(page, 'think')
    await call(page)
    await seen(question, 'Say something')
    await question.getByLabel('Reply').fill('Something')
    await question.getByRole('button', { name: 'Send reply' }).click()
    await seen(page.locator('.run'), /the model said .*Something/)
  })

  it('a call is cancelled, and the server notices', async () => {
    const { page, cancelled } = await openOurs(era)
    await choose(page, 'wait')
    await call(page)
    await seen(page.locator('.notes'), 'progress')
    await call(page, 'Cancel')
    await seen(page.locator('.run'), 'Cancelled')
    await vi.waitFor(() => expect(cancelled).toEqual(['wait']), { timeout: 5_000 })
  })

  it('an App is shown in its frame, gets the result and calls tools', async () => {
    const { page, mcp } = await openOurs(era)
    const html = `<!doctype html><p id="out">waiting</p><script>
      let id = 0
      const send = (message) => parent.postMessage({ jsonrpc: '2.0', ...message }, '*')
      addEventListener('message', ({ data }) => {
        if (data.id === 1) send({ method: 'ui/notifications/initialized' })
        if (data.method === 'ui/notifications/tool-result') {
          out.textContent = 'got ' + data.params.structuredContent.degrees
          send({ id: 2, method: 'tools/call', params: { name: 'greet', arguments: { name: 'App' } } })
          send({ id: 3, method: 'tools/call', params: { name: 'secret', arguments: {} } })
          send({ id: 4, method: 'ui/open-link', params: { url: 'https://example.com/more' } })
        }
        if (data.id === 2) out.textContent += ' and ' + data.result.content[0].text
        if (data.id === 3) out.textContent += ' but ' + data.error.message
      })
      send({ id: 1, method: 'ui/initialize', params: { protocolVersion: '2026-01-26' } })
    </script>`
    const ui = app(mcp, 'chart', { html })
    mcp.tool('chart', { description: 'Draws', ui }, () => ({ degrees: 21 }))
    mcp.tool('secret', { description: 'Of the model', ui: ui.visibleTo('model') }, () => 'no')
    await page.reload()
    await page.getByLabel('Protocol').selectOption(era)
    await choose(page, 'chart')
    await call(page)
    const out = page.frameLocator('iframe.app').locator('#out')
    await seen(out, 'got 21')
    await seen(out, 'and Hello App')
    await seen(out, 'but The App may not call this tool.')
    await seen(page.locator('.panel'), 'The App wants to open')
  })
})

it('a task is followed, asks its question and is cancelled', async () => {
  const { page, mcp } = await openOurs('2026-07-28')
  mcp.tool('job', { description: 'Runs long', task: { pollEvery: 200 } }, async (_, ctx) => {
    const answer = await ctx.elicit('Go on?', v.object({ sure: v.boolean() }))
    await ctx.sleep('pause', 10)
    return `task: ${answer.action}`
  })
  mcp.tool('endless', { description: 'Never ends', task: { pollEvery: 200 } }, async (_, ctx) => {
    await ctx.sleep('pause', 3_600_000)
    return 'never'
  })
  await page.reload()
  await choose(page, 'job')
  await call(page)
  await seen(page.locator('.run'), /Task .*: (working|input_required)/)
  await page.locator('.question').getByLabel('sure').check()
  await page.locator('.question').getByRole('button', { name: 'Send answer' }).click()
  await seen(page.locator('.run'), 'task: accept')
  await choose(page, 'endless')
  await call(page)
  await seen(page.locator('.run'), /Task .*: working/)
  await call(page, 'Cancel')
  await seen(page.locator('.run'), /Task .*: cancelled/)
})

it('a list that changes is read again', async () => {
  const { page, mcp } = await openOurs('2026-07-28')
  await seen(page.locator('aside'), 'subscriptions/listen')
  // The subscription has to be there before the change.
  await page.waitForTimeout(300)
  mcp.tool('newcomer', { description: 'Comes later' }, () => 'here')
  await mcp.notify.toolsChanged()
  await page.locator('.list').getByText('newcomer').waitFor()
})

describe('a protected server', () => {
  async function openProtected(auth: (url: string) => Auth, more = {}) {
    let mcp: ReturnType<typeof createMcp> | undefined
    const server = await serveFetch(
      (request) => mcp?.fetch(request) ?? new Response(null, { status: 503 }),
    )
    closing.push(() => server.close())
    mcp = createMcp({
      name: 'protected',
      version: '1.0.0',
      page: pageFor(),
      log: () => {},
      auth: auth(server.url),
      ...more,
    })
    mcp.tool(
      'who',
      { description: 'Says who calls' },
      (_, ctx) => `you are ${ctx.principal?.subject}`,
    )
    watched = await openPage(browser, server.url)
    return { page: watched.page, url: server.url, mcp }
  }

  it('takes a token that is typed in, and shows it nowhere', async () => {
    const token = 'a-secret-token-of-this-test'
    const { page } = await openProtected(() => bearer({ tokens: [{ token, subject: 'ada' }] }))
    await seen(page, 'This server is protected')
    await page.getByLabel('Access token').fill('wrong')
    await page.getByRole('button', { name: 'Use the token' }).click()
    await page.getByLabel('Access token').fill(token)
    await page.getByRole('button', { name: 'Use the token' }).click()
    await choose(page, 'who')
    await call(page)
    await seen(page.locator('.run'), 'you are ada')
    expect(await page.content()).not.toContain(token)
    await page.getByRole('button', { name: 'Log out' }).click()
    await seen(page, 'This server is protected')
  })

  it.each(['registration', 'a client id'])(
    'is logged in to by OAuth with PKCE and %s',
    async (way) => {
      const provider = await startOidcProvider({ scopes: ['mcp:use'] })
      closing.push(() => provider.close())
      const { page, url } = await openProtected((resource) =>
        oauth({ issuer: provider.url, resource, requiredScopes: ['mcp:use'] }),
      )
      await seen(page, 'This server is protected')
      if (way === 'a client id') {
        const registered = await fetch(`${provider.url}/reg`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            redirect_uris: [url],
            token_endpoint_auth_method: 'none',
            application_type: 'native',
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
          }),
        })
        const { client_id: id } = await registered.json()
        await page.getByLabel('Client id').fill(id)
      }
      await page.getByRole('button', { name: 'Log in' }).click()
      await choose(page, 'who')
      await call(page)
      await seen(page.locator('.run'), 'you are alice')
      // The code is not left in the address.
      expect(page.url()).toBe(url)
      await page.reload()
      await seen(page.locator('.list'), 'who')
    },
  )

  it('is logged in to again for a tool that needs another scope', async () => {
    const provider = await startOidcProvider({ scopes: ['mcp:use', 'mcp:write'] })
    closing.push(() => provider.close())
    const { page, mcp } = await openProtected((resource) =>
      oauth({ issuer: provider.url, resource, requiredScopes: ['mcp:use'] }),
    )
    mcp.tool(
      'write',
      { description: 'Writes', scopes: ['mcp:write'], stepUp: true },
      () => 'written',
    )
    await page.getByRole('button', { name: 'Log in' }).click()
    await choose(page, 'write')
    await call(page)
    await seen(page.locator('.login'), 'mcp:write')
    await page.getByRole('button', { name: 'Log in' }).click()
    await choose(page, 'write')
    await call(page)
    await seen(page.locator('.run'), 'written')
  })

  it('refuses a login that was not begun here', async () => {
    const { page, url } = await openProtected(() =>
      bearer({ tokens: [{ token: 'a-token-of-a-test', subject: 'a' }] }),
    )
    await page.goto(`${url}?code=stolen&state=guessed`)
    await seen(page, 'without having been started here')
    expect(page.url()).toBe(url)
  })
})
