/** Exceptions of steps, kept so that every run of a handler catches the same one. */
import { StepInterrupted } from '../client-requests/client-request.ts'
import { failure } from '../handlers/failure.ts'
import { McpError } from '../protocol/errors.ts'

/** An exception as it is kept. Its text is the author's own, and reaches the handler only. */
export interface StoredError {
  readonly name: string
  readonly message: string
  /** Of an `McpError`. */
  readonly code?: number | undefined
  readonly data?: unknown
}

export function toStoredError(error: unknown): StoredError {
  if (error instanceof McpError) {
    const { name, message, code, data } = error
    return { name, message, code, data }
  }
  if (error instanceof StepInterrupted) return { name: error.name, message: error.step }
  if (error instanceof Error) return { name: error.name, message: error.message }
  return { name: 'Error', message: String(error) }
}

/**
 * The exception for the handler. The first run gets this one too, not the original: a handler that
 * tells exceptions apart by their class would go another way when it is replayed.
 */
export function fromStoredError({ name, message, code, data }: StoredError): Error {
  if (name === 'StepInterrupted') return new StepInterrupted(message)
  if (name === 'Failure') return failure(message)
  if (name === 'McpError' && code !== undefined) return new McpError(code, message, data)
  const error = new Error(message)
  error.name = name
  return error
}
