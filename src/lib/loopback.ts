/** Names and addresses of this machine's loopback interface. */

/**
 * Whether a host name or address, without a port, belongs to the loopback interface of this machine:
 * `localhost`, `::1` (also in brackets), or an address of 127.0.0.0/8 (RFC 6890).
 *
 * @example isLoopback(new URL('http://[::1]:3000').hostname) // true
 */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|::1|\[::1\]|127(?:\.\d{1,3}){3})$/i.test(host)
}

/** Whether an origin is a web page of this machine: `http` or `https`, a loopback host, any port. */
export function isLoopbackOrigin(origin: string): boolean {
  if (!/^https?:\/\//i.test(origin) || !URL.canParse(origin)) return false
  const url = new URL(origin)
  // An origin has no user, path or query (RFC 6454): `http://evil@localhost` is refused.
  const plain =
    !url.username && !url.password && `${url.origin}/` === url.href && !origin.endsWith('/')
  return plain && isLoopback(url.hostname)
}
