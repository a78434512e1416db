/** A headless Chromium for the tests of the page, and what must not happen in it. */
import type { Browser, Locator, Page } from 'playwright-core'
import { chromium } from 'playwright-core'

/** Starts Debian's Chromium, or the one that `CHROMIUM` names. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // The sandbox of the browser needs rights that a container does not have.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
}

export interface Watched {
  readonly page: Page
  /** Errors of scripts, and violations of the Content Security Policy. */
  readonly problems: string[]
  /** Origins of all requests. */
  readonly origins: Set<string>
}

export interface OpenOptions {
  width?: number
  height?: number
  dark?: boolean
}

/** Opens a page in a profile of its own, and watches what it does. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, height = 900, dark = false }: OpenOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const problems: string[] = []
  const origins = new Set<string>()
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    // The page shows error statuses of the server itself.
    const isStatus = /^Failed to load resource: the server responded/.test(message.text())
    // This directive is known by some browsers only, and the others say so.
    const isWebRtc = message.text().includes("directive 'webrtc'")
    if (message.type() === 'error' && !isStatus && !isWebRtc) problems.push(message.text())
  })
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol !== 'data:' && protocol !== 'blob:') origins.add(origin)
  })
  await page.goto(url)
  return { page, problems, origins }
}

/** Chooses an entry of the list. */
export const choose = (page: Page, name: string) =>
  page.locator('.list').getByRole('button', { name }).first().click()

/** Presses the button that sends what was filled in. */
export const call = (page: Page, name = 'Call') =>
  page.locator('.panel').getByRole('button', { name, exact: true }).click()

/** Waits until a text is shown. */
export const seen = (within: Page | Locator, text: string | RegExp) =>
  within.getByText(text).first().waitFor()
