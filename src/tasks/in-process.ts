/** `inProcess()`: the runner for servers that are processes. */
import { lazyImport } from '../lib/lazy-import.ts'
import type { RunnerFactory } from './runner.ts'

const inProcessRunner = lazyImport(() => import('./in-process-runner.ts'))

/** Options of {@link inProcess}. Times are in milliseconds. */
export interface InProcessOptions {
  /** A process that gives no sign of life for this long loses its tasks to another one. @default 15 seconds */
  lease?: number
}

/**
 * Runs tasks in the processes of the server itself. With a store that several processes share, the tasks
 * of a process that died are taken over by another one.
 *
 * @example createMcp({ name: 'jobs', version: '1.0.0', store, runner: inProcess() })
 */
export function inProcess({ lease = 15_000 }: InProcessOptions = {}): RunnerFactory {
  return async (engine) => {
    const { InProcessRunner } = await inProcessRunner()
    return new InProcessRunner(engine, lease)
  }
}
