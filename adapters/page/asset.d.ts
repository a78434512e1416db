/** The page as `page/build.ts` writes it into `asset.js`, which is not kept in the repository. */

/** The HTML file, compressed by gzip, in base64. */
export declare const PAGE: string
/** The HTML file of the frame in which an MCP App runs. */
export declare const FRAME: string
/** The hash of the page's script, as a source of a Content Security Policy. */
export declare const SCRIPT_HASH: string
/** The hash of the page's style sheet. */
export declare const STYLE_HASH: string
