#!/usr/bin/env node
// A browser without a screen, for `BROWSER`. It follows redirects, keeps cookies, and fills in and
// submits each form, which is enough for the login pages in these tests.

const jar = new Map()
let url = new URL(process.argv[2])
let body

for (let hop = 0; hop < 20; hop++) {
  const cookies = [...(jar.get(url.host) ?? new Map())].map(([name, value]) => `${name}=${value}`)
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { cookie: cookies.join('; ') },
    redirect: 'manual',
    ...(body !== undefined && { body }),
  })
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
    if (!jar.has(url.host)) jar.set(url.host, new Map())
    jar.get(url.host).set(name, value)
  }
  const location = response.headers.get('location')
  const text = await response.text()
  body = undefined
  if (location !== null) {
    url = new URL(location, url)
    continue
  }
  const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1]
  if (action === undefined) break
  url = new URL(action.replaceAll('&amp;', '&'), url)
  body = new URLSearchParams()
  for (const [input] of text.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(input)?.[1]
    if (name !== undefined) body.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? 'alice')
  }
}
