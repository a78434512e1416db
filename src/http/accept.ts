/** What a client's Accept header allows as a reply. */

export interface Accepts {
  readonly json: boolean
  readonly stream: boolean
}

const BOTH: Accepts = { json: true, stream: true }

/** A missing header allows everything (RFC 9110, section 12.5.1). */
export function parseAccept(header: string | null): Accepts {
  if (header === null || header === 'application/json, text/event-stream') return BOTH
  const types = header
    .toLowerCase()
    .split(',')
    .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
    .map((part) => part.split(';')[0]?.trim())
  const any = types.includes('*/*')
  return {
    json: any || types.includes('application/json') || types.includes('application/*'),
    stream: any || types.includes('text/event-stream') || types.includes('text/*'),
  }
}
