/** The names and origins that belong to this machine. */
import { expect, it } from 'vitest'
import { isLoopback, isLoopbackOrigin } from '../../src/lib/loopback.ts'

it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.0.0.2', '::1', '[::1]'])(
  '%s is a loopback host',
  (host) => {
    expect(isLoopback(host)).toBe(true)
  },
)

it.each(['', '0.0.0.0', '128.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', '::2'])(
  '%j is not a loopback host',
  (host) => {
    expect(isLoopback(host)).toBe(false)
  },
)

it.each(['http://localhost', 'https://localhost:3000', 'http://127.0.0.1:1', 'http://[::1]:3000'])(
  '%s is a loopback origin',
  (origin) => {
    expect(isLoopbackOrigin(origin)).toBe(true)
  },
)

it.each([
  'null',
  'capacitor://localhost',
  'http://evil@localhost',
  'http://localhost@evil.example',
  'http://localhost/path',
  'http://localhost/',
  'http://localhost.evil.example',
  'https://evil.example',
])('%s is not a loopback origin', (origin) => {
  expect(isLoopbackOrigin(origin)).toBe(false)
})
