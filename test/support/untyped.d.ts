/** Types for packages without types, as far as the tests use them. */

declare module 'dynalite' {
  import type { Server } from 'node:http'

  export default function dynalite(options: {
    createTableMs: number
    deleteTableMs: number
  }): Server
}

declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface Grant {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }

  interface Interaction {
    prompt: {
      name: string
      details: {
        missingOIDCScope?: string[]
        missingResourceScopes?: Record<string, string[]>
      }
    }
    params: { client_id: string }
    session?: { accountId: string }
    grantId?: string
  }

  export default class Provider {
    use(middleware: (context: never, next: () => Promise<void>) => Promise<void>): void
    constructor(issuer: string, configuration: Record<string, unknown>)
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Record<string, unknown>,
    ): Promise<void>
    Grant: {
      new (owner: { accountId: string | undefined; clientId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
  }
}
