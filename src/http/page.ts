/** What the app needs of a page for people: `page()` of `streamable-mcp/page` is one. */
import type { Auth, Platform } from '../auth/auth.ts'

/** What a browser gets that opens the URL of the endpoint. */
export interface Page {
  /**
   * Returns the page, or undefined for a request that the protocol answers. It is called for each GET
   * after the check of `Host` and `Origin` and before authorization, so the page must hold nothing that
   * only some callers may see.
   */
  respond(
    request: Request,
    platform?: Platform,
    auth?: Auth,
  ): Response | undefined | Promise<Response | undefined>
}
