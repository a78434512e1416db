/** Opens a page in the user's browser, without a shell, so that a URL from a server stays one argument. */

import { spawn } from 'node:child_process'

/** Resolves with whether a browser was started. The caller prints the URL in both cases. */
export type OpenBrowser = (url: URL) => Promise<boolean>

/** The program of this system that opens pages, or the one that `BROWSER` names; `none` opens nothing. */
export function systemBrowser(env: NodeJS.ProcessEnv, platform = process.platform): OpenBrowser {
  return async (url) => {
    // Other URLs could start a program: `file:`, `ms-msdt:`, a path.
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return false
    const chosen = env.BROWSER?.trim()
    if (chosen === 'none') return false
    const [command, ...args] = chosen ? [chosen] : opener(platform)
    // On Linux without a display `xdg-open` may fall back to a text browser in our own terminal.
    const headless = platform === 'linux' && !chosen && !env.DISPLAY && !env.WAYLAND_DISPLAY
    if (command === undefined || headless) return false
    return new Promise((resolve) => {
      const child = spawn(command, [...args, url.href], { stdio: 'ignore', detached: true })
      child.once('error', () => resolve(false))
      child.once('spawn', () => {
        child.unref()
        resolve(true)
      })
    })
  }
}

function opener(platform: NodeJS.Platform): string[] {
  if (platform === 'darwin') return ['open']
  // `start` is a command of cmd.exe, which would interpret the URL. This program does not interpret it.
  if (platform === 'win32') return ['rundll32.exe', 'url.dll,FileProtocolHandler']
  return ['xdg-open']
}
