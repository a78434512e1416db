/** Checks a result against the output schema of its tool in another thread, with a time limit. */

import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { jsonSchemaValidator } from '@modelcontextprotocol/client'
import { isObject } from './json.ts'

/**
 * A validator for the client library that accepts everything. The library would check in this thread,
 * where a pattern of the server that takes exponential time would stop everything, also Ctrl+C.
 */
export const acceptEverything: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
}

/** The time limit in milliseconds. */
const TIME_LIMIT = 5_000

const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
const { library, schema, value } = workerData
const { AjvJsonSchemaValidator } = require(library)
try {
  const check = new AjvJsonSchemaValidator().getValidator(schema)
  const { valid, errorMessage } = check(value)
  parentPort.postMessage({ verdict: valid ? 'valid' : 'invalid', reason: errorMessage })
} catch (error) {
  parentPort.postMessage({ verdict: 'unchecked', reason: String(error && error.message) })
}
`

export interface Checked {
  readonly verdict: 'valid' | 'invalid' | 'unchecked'
  readonly reason?: string | undefined
}

/** Resolves with `unchecked` if the schema cannot be used or takes too long. Rejects when `signal` aborts. */
export async function checkResult(
  schema: unknown,
  value: unknown,
  signal: AbortSignal,
  timeLimit = TIME_LIMIT,
): Promise<Checked> {
  signal.throwIfAborted()
  const library = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/client/validators/ajv',
  )
  const worker = new Worker(PROGRAM, {
    eval: true,
    workerData: { library, schema, value },
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  })
  let timer: NodeJS.Timeout | undefined
  let abort = (): void => {}
  try {
    return await new Promise<Checked>((resolve, reject) => {
      abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      const seconds = timeLimit / 1000
      const tooLate = (): void =>
        resolve({ verdict: 'unchecked', reason: `it takes longer than ${seconds} s` })
      timer = setTimeout(tooLate, timeLimit)
      worker.once('error', ({ message }) => resolve({ verdict: 'unchecked', reason: message }))
      worker.once('message', (message: unknown) => {
        if (isObject(message)) resolve(message as unknown as Checked)
      })
    })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    await worker.terminate()
  }
}
