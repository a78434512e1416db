/** Our own server with sessions in memory, kept for the default time or for the time that the environment names. */
import { serveOurs } from './our-tools.ts'

const shortLived = Number(process.env.KEEP_MS ?? 0)

await serveOurs(
  shortLived > 0
    ? { sessionTtl: shortLived, callTimeout: shortLived, streamRetention: shortLived }
    : {},
)
