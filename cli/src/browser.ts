/** Opens a page in the user's browser, without a shell: a URL from a server is only ever one argument. */

import { spawn } from 'node:child_process'

/** Resolves to whether a browser was started; the caller prints the URL in any case. */
export type OpenBrowser = (url: URL) => Promise<boolean>

/** The opener of this system, or the program that `BROWSER` names; `none` there means headless. */
export function systemBrowser(env: NodeJS.ProcessEnv, platform = process.platform): OpenBrowser {
  return async (url) => {
    // Anything else could start a program: `file:`, `ms-msdt:`, a path.
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
  // `start` belongs to cmd.exe, which would interpret the URL; this one takes it as it is.
  if (platform === 'win32') return ['rundll32.exe', 'url.dll,FileProtocolHandler']
  return ['xdg-open']
}
