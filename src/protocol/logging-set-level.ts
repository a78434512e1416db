/** `logging/setLevel` of 2025. */
import type { LegacyMethodCall } from './call.ts'
import { invalidParams } from './errors.ts'
import { EMPTY_RESULT } from './results.ts'
import { isLogLevel } from './types.ts'

export async function setLogLevel(call: LegacyMethodCall): Promise<string> {
  const { level } = call.params
  if (!isLogLevel(level)) throw invalidParams('Invalid log level')
  await call.setLogLevel(level)
  return EMPTY_RESULT
}
