/** Follows an authorization request through login and consent to the redirect URI, as a browser would. */

/** Returns the final redirect to the client. */
export async function visit(start: URL, redirectUri: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = start
  for (let step = 0; step < 20; step++) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: Array.from(cookies, (pair) => pair.join('=')).join('; ') },
    })
    const location = response.headers.get('location')
    if (!location) {
      throw new Error(`${url.pathname} answered ${response.status}: ${await response.text()}`)
    }
    await response.body?.cancel()
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value) cookies.set(name, value)
      else cookies.delete(name)
    }
    url = new URL(location, url)
    if (url.href.startsWith(redirectUri)) return url
  }
  throw new Error('The authorization server redirects in circles.')
}
