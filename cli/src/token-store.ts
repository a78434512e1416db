/** Logins kept between runs: one private file, keyed by server URL and then by issuer. */

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredOAuthClientInformation, StoredOAuthTokens } from '@modelcontextprotocol/client'
import { withLock } from './lock.ts'
import { Problem } from './problem.ts'

export type Tokens = StoredOAuthTokens & {
  /** Epoch milliseconds after which the access token is void; absent when the issuer did not say. */
  expires_at?: number
}

/** What one issuer gave us for one server. */
export interface Credentials {
  /** The registration, when it came from the issuer and not from the user's settings. */
  readonly client?: StoredOAuthClientInformation
  readonly tokens?: Tokens
  /** Every scope asked for so far; a step-up asks for these again (D31). */
  readonly scope?: string
  /** The client id whose secret the user has bound to this issuer by OAUTH_ISSUER. */
  readonly secretOf?: string
}

/** The login that requests to a server use now. */
export interface Login extends Credentials {
  readonly issuer: string
  /** Where the server's challenge said its metadata is, which a refresh needs to find the issuer again. */
  readonly resourceMetadataUrl?: string
}

interface ServerEntry {
  current?: string
  /** A token that the user has entered, for a server without OAuth. */
  token?: string
  resourceMetadataUrl?: string
  issuers: Record<string, Credentials>
}

interface File {
  servers: Record<string, ServerEntry>
}

/** Nothing issued by one authorization server is ever handed to another (D34). */
export class TokenStore {
  readonly #folder: string
  readonly #path: string

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'credentials.json')
  }

  /** The login used last for this server, if any. */
  async login(server: string): Promise<Login | undefined> {
    const entry = (await this.#read()).servers[server]
    const issuer = entry?.current
    if (entry === undefined || issuer === undefined) return undefined
    return {
      issuer,
      ...(entry.resourceMetadataUrl !== undefined && {
        resourceMetadataUrl: entry.resourceMetadataUrl,
      }),
      ...entry.issuers[issuer],
    }
  }

  async credentials(server: string, issuer: string): Promise<Credentials | undefined> {
    return (await this.#read()).servers[server]?.issuers[issuer]
  }

  /** Every registration made for a server; its redirect URI is worth reusing at the next login. */
  async registrations(server: string): Promise<StoredOAuthClientInformation[]> {
    const issuers = (await this.#read()).servers[server]?.issuers ?? {}
    return Object.values(issuers).flatMap(({ client }) => (client === undefined ? [] : [client]))
  }

  /** The issuer at which a client id was used before, for any server; or the one that has its secret. */
  async issuerOf(clientId: string, what: 'client' | 'secret'): Promise<string | undefined> {
    const { servers } = await this.#read()
    const all = Object.values(servers).flatMap(({ issuers }) => Object.entries(issuers))
    const found = all.find(([, { client, secretOf }]) => {
      return what === 'secret' ? secretOf === clientId : client?.client_id === clientId
    })
    return found?.[0]
  }

  /** The token that was entered for a server without OAuth. */
  async staticToken(server: string): Promise<string | undefined> {
    return (await this.#read()).servers[server]?.token
  }

  async keepStaticToken(server: string, token: string): Promise<void> {
    await this.#write((file) => {
      entryOf(file, server).token = token
    })
  }

  /** Merges what is new about an issuer; a member set to `undefined` is removed. */
  async update(
    server: string,
    issuer: string,
    change: { [K in keyof Credentials]?: Credentials[K] | undefined },
  ): Promise<void> {
    await this.#write((file) => {
      const entry = entryOf(file, server)
      entry.issuers[issuer] = { ...entry.issuers[issuer], ...change } as Credentials
      if (change.tokens !== undefined) entry.current = issuer
    })
  }

  async rememberMetadataUrl(server: string, url: string): Promise<void> {
    await this.#write((file) => {
      entryOf(file, server).resourceMetadataUrl = url
    })
  }

  /** Removes the tokens for a server, and keeps the registrations: they are not secrets of the user. */
  async forget(server: string): Promise<void> {
    await this.#write((file) => {
      const entry = file.servers[server]
      if (entry === undefined) return
      delete entry.current
      delete entry.token
      for (const [issuer, { client }] of Object.entries(entry.issuers)) {
        entry.issuers[issuer] = client === undefined ? {} : { client }
      }
    })
  }

  /**
   * One process at a time may spend the refresh token of a server: a rotated one that is spent
   * twice makes the issuer revoke the whole login (RFC 9700 section 4.14).
   */
  async exclusively<T>(server: string, body: () => Promise<T>): Promise<T> {
    const name = createHash('sha256').update(server).digest('hex').slice(0, 16)
    await this.#prepare()
    return withLock(join(this.#folder, `refresh-${name}.lock`), body)
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
  }

  async #read(): Promise<File> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { servers: {} }
      throw error
    }
    try {
      return JSON.parse(text) as File
    } catch (cause) {
      throw new Problem(`${this.#path} is not valid JSON.`, {
        next: 'Delete it and log in again.',
        cause,
      })
    }
  }

  /** Readers see the old file or the new one, never half of one; a crash leaves the old one. */
  async #write(change: (file: File) => void): Promise<void> {
    await this.#prepare()
    await withLock(`${this.#path}.lock`, async () => {
      const file = await this.#read()
      change(file)
      const draft = `${this.#path}.${randomUUID()}`
      try {
        const handle = await open(draft, 'wx', 0o600)
        try {
          await handle.writeFile(JSON.stringify(file, undefined, 2))
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(draft, this.#path)
      } catch (error) {
        await rm(draft, { force: true })
        throw error
      }
    })
  }
}

function entryOf(file: File, server: string): ServerEntry {
  file.servers[server] ??= { issuers: {} }
  return file.servers[server]
}
