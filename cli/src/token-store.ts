/** Stores logins between runs in one private file, by server URL and then by issuer. */

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredOAuthClientInformation, StoredOAuthTokens } from '@modelcontextprotocol/client'
import { withLock } from './lock.ts'
import { Problem } from './problem.ts'

export type Tokens = StoredOAuthTokens & {
  /** The time at which the access token expires, in epoch milliseconds; absent if the issuer did not tell it. */
  expires_at?: number
}

/** The tokens and the registration of one issuer for one server. */
export interface Credentials {
  /** The registration, if it came from the issuer and not from the user's settings. */
  readonly client?: StoredOAuthClientInformation
  readonly tokens?: Tokens
  /** All scopes that were requested so far. A step-up requests them again (D31). */
  readonly scope?: string
  /** The client id whose secret this issuer may see, because the user named the issuer in OAUTH_ISSUER. */
  readonly secretOf?: string
}

/** The login that requests to a server use. */
export interface Login extends Credentials {
  readonly issuer: string
  /** The URL of the metadata in the server's challenge. A refresh needs it to find the issuer again. */
  readonly resourceMetadataUrl?: string
}

interface ServerEntry {
  current?: string
  /** The token that the user entered, for a server without OAuth. */
  token?: string
  resourceMetadataUrl?: string
  issuers: Record<string, Credentials>
}

interface File {
  servers: Record<string, ServerEntry>
}

/** Keeps logins by issuer, because tokens of one issuer must never be sent to another (D34). */
export class TokenStore {
  readonly #folder: string
  readonly #path: string

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'credentials.json')
  }

  /** Returns the login that was used last for this server, or undefined. */
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

  /** Returns every registration for a server. The next login uses its redirect URI again. */
  async registrations(server: string): Promise<StoredOAuthClientInformation[]> {
    const issuers = (await this.#read()).servers[server]?.issuers ?? {}
    return Object.values(issuers).flatMap(({ client }) => (client === undefined ? [] : [client]))
  }

  /** Returns the issuer at which a client id was used before, for any server, or the one that has its secret. */
  async issuerOf(clientId: string, what: 'client' | 'secret'): Promise<string | undefined> {
    const { servers } = await this.#read()
    const all = Object.values(servers).flatMap(({ issuers }) => Object.entries(issuers))
    const found = all.find(([, { client, secretOf }]) => {
      return what === 'secret' ? secretOf === clientId : client?.client_id === clientId
    })
    return found?.[0]
  }

  /** Returns the token that the user entered for a server without OAuth. */
  async staticToken(server: string): Promise<string | undefined> {
    return (await this.#read()).servers[server]?.token
  }

  async keepStaticToken(server: string, token: string): Promise<void> {
    await this.#write((file) => {
      entryOf(file, server).token = token
    })
  }

  /** Merges changes into the entry of an issuer; a member with the value `undefined` is removed. */
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

  /** Removes the tokens for a server. Keeps the registrations, which are not secrets of the user. */
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
   * Runs `body` while no other process uses the refresh token of this server. If a rotated refresh token
   * is used twice, the issuer revokes the whole login (RFC 9700 section 4.14).
   */
  async withRefreshLock<T>(server: string, body: () => Promise<T>): Promise<T> {
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

  /** Replaces the file in one step, so that readers never see a part of it and a crash keeps the old one. */
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
