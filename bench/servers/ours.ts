/** Our own server, sessions in memory: as long as its defaults say, or as long as the environment does. */
import { serveOurs } from './our-tools.ts'

const shortLived = Number(process.env.KEEP_MS ?? 0)

await serveOurs(
  shortLived > 0
    ? { sessionTtl: shortLived, callTimeout: shortLived, streamRetention: shortLived }
    : {},
)
