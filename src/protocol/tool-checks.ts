/** What a validation of a tool's arguments or of its result comes to. */
import { HandlerFailure } from '../handlers/failure.ts'
import type { Validation } from '../schema/schema.ts'
import type { Params } from './jsonrpc.ts'

/** Wrong arguments are a failure that the model can read and correct (SEP-1303). */
export function requireValid(checked: Validation): Params {
  if (checked.ok) return checked.value as Params
  throw new HandlerFailure(`Invalid arguments: ${checked.issues.join('; ')}`)
}

/** A result that breaks the tool's own schema is a bug of the author. */
export function requireOutput(checked: Validation): void {
  if (checked.ok) return
  throw new TypeError(`The result breaks the output schema: ${checked.issues.join('; ')}`)
}
