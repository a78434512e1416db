/** The revisions of the protocol, their two eras, and the features of each revision. */

/** The revisions with sessions, oldest first. */
export const LEGACY_REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25'] as const
/** The stateless revisions, oldest first. */
export const MODERN_REVISIONS = ['2026-07-28'] as const
export const LATEST_LEGACY = '2025-11-25'

/** One of {@link LEGACY_REVISIONS}. */
export type LegacyRevision = (typeof LEGACY_REVISIONS)[number]
/** One of {@link MODERN_REVISIONS}. */
export type ModernRevision = (typeof MODERN_REVISIONS)[number]
/** A revision of the protocol that this server speaks. */
export type Revision = LegacyRevision | ModernRevision

/** `legacy`: revisions with a handshake and sessions; `modern`: stateless revisions. */
export type Era = 'legacy' | 'modern'

export function isLegacyRevision(version: unknown): version is LegacyRevision {
  return (LEGACY_REVISIONS as readonly unknown[]).includes(version)
}

export function isModernRevision(version: unknown): version is ModernRevision {
  return (MODERN_REVISIONS as readonly unknown[]).includes(version)
}

/** Whether a version belongs to the stateless era. Dates are compared as text, so future ones do too (H14). */
export function claimsModern(version: string): boolean {
  return version >= '2026-07-28'
}

/** Revisions are dates, so a feature exists from the revision that introduced it (B64). */
export const has = {
  batches: (revision: Revision) => revision === '2025-03-26',
  structuredContent: (revision: Revision) => revision >= '2025-06-18',
  titles: (revision: Revision) => revision >= '2025-06-18',
  resourceLinks: (revision: Revision) => revision >= '2025-06-18',
  elicitation: (revision: Revision) => revision >= '2025-06-18',
  icons: (revision: Revision) => revision >= '2025-11-25',
  urlElicitation: (revision: Revision) => revision >= '2025-11-25',
  /** A first event with an id and empty data; older clients fail on it (B17, H10). */
  priming: (revision: Revision) => revision >= '2025-11-25',
  /** Tasks of 2025-11-25, which 2026 has as an extension (B71). */
  tasks: (revision: Revision) => revision === '2025-11-25',
  /** Structured content and output schemas of any JSON type, not objects alone (B58). */
  anyStructure: (revision: Revision) => revision >= '2026-07-28',
}
