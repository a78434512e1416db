/** Sealing what travels through the client: JSON encrypted and authenticated with a key all instances share. */
import { compactDecrypt } from 'jose/jwe/compact/decrypt'
import { CompactEncrypt } from 'jose/jwe/compact/encrypt'
import { sha256 } from '../lib/digest.ts'
import { code, McpError } from '../protocol/errors.ts'
import type { JsonValue, Store } from './store.ts'
import { StoreConflict } from './store.ts'

export interface Seal {
  seal(value: JsonValue): Promise<string>
  /** The value, or undefined for anything that was not sealed with one of the keys, or was changed. */
  open(sealed: string): Promise<JsonValue | undefined>
}

const TEN_YEARS = 10 * 365 * 24 * 3600_000
/** Characters: what is sealed is less, so that the client can bring it back in a body. */
const LONGEST = 2 * 1024 * 1024

/**
 * JWE compact serialization, `dir` with A256GCM (RFC 7516). The first key seals, every key opens, so
 * keys can be rotated by putting a new one in front. Without keys, one is made in the store by
 * whichever instance is first.
 */
export function createSeal(store: Store, clock: () => number, keys?: readonly string[]): Seal {
  let known: Promise<Uint8Array[]> | undefined

  async function readSecrets(): Promise<Uint8Array[]> {
    const texts = keys ?? [await sharedKey(store, clock)]
    // A digest makes a key of the right length from any text.
    return Promise.all(texts.map(sha256))
  }

  async function secrets(): Promise<Uint8Array[]> {
    known ??= readSecrets()
    try {
      return await known
    } catch (error) {
      known = undefined // a store that was busy once must not leave the process without a key
      throw error
    }
  }

  return {
    async seal(value) {
      const [secret] = await secrets()
      if (!secret) throw new TypeError('Sealing needs at least one key')
      const sealed = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(value)))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(secret)
      if (sealed.length <= LONGEST) return sealed
      throw new McpError(
        code.internal,
        'The answers and steps of this call are too much to carry on with',
      )
    },
    async open(sealed) {
      if (sealed.length > LONGEST) return undefined
      for (const secret of await secrets()) {
        try {
          const { plaintext } = await compactDecrypt(sealed, secret, {
            keyManagementAlgorithms: ['dir'],
            contentEncryptionAlgorithms: ['A256GCM'],
          })
          return JSON.parse(new TextDecoder().decode(plaintext)) as JsonValue
        } catch {
          // The state may be sealed with the next key.
        }
      }
      return undefined
    },
  }
}

async function sharedKey(store: Store, clock: () => number): Promise<string> {
  const key = ['server', 'state-key'] as const
  for (;;) {
    const stored = await store.get(key)
    if (stored) return stored.value as string
    const made = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    try {
      await store.put(key, made, { expiresAt: clock() + TEN_YEARS, ifVersion: 0 })
      return made
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error
    }
  }
}
