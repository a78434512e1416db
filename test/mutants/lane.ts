/**
 * One copy of the sources with a warm Vitest, in a process of its own. The driver sends a file to write
 * or a test file to run, and gets a {@link Run} for each.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestCase } from 'vitest/node'
import { createVitest } from 'vitest/node'

export type Command =
  | { readonly write: string; readonly text: string }
  | { readonly run: string; readonly retry?: number }

export interface Run {
  /** A file that cannot be loaded fails no test, so nothing was noticed. */
  readonly outcome: 'passed' | 'failed' | 'no test ran'
  readonly milliseconds: number
  /** The test that failed first. */
  readonly failed?: string
  /** The test waited in vain, instead of getting something wrong. */
  readonly timedOut?: boolean
}

const [copy = ''] = process.argv.slice(2)
process.chdir(copy)
const vitest = await createVitest('test', {
  root: copy,
  watch: false,
  bail: 1,
  reporters: [{}],
  maxWorkers: 1,
  silent: true,
})
await vitest.standalone()

function failureOf(test: TestCase): Pick<Run, 'failed' | 'timedOut'> {
  const messages = (test.result().errors ?? []).map(({ message }) => message)
  return { failed: test.fullName, timedOut: messages.some((text) => /timed out in/.test(text)) }
}

/** An error of another process may not convert to text. */
function messageOf(error: unknown): string {
  return typeof error === 'object' && error && 'message' in error ? `${error.message}` : 'unknown'
}

async function run(test: string, retry: number): Promise<Run> {
  const began = Date.now()
  const path = join(copy, test)
  const project = vitest.projects.find((one) => one.matchesTestGlob(path))
  if (!project) throw new Error(`No project of vitest.config.ts has ${test}`)
  project.config.retry = retry
  // No module of an earlier run may be left.
  project.config.isolate = true
  const specification = project.createSpecification(path)
  const result = await vitest.runTestSpecifications([specification])
  const milliseconds = Date.now() - began
  // The result has the files of earlier runs as well.
  const modules = result.testModules.filter(({ moduleId }) => moduleId === specification.moduleId)
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const failed = tests.find((one) => one.result().state === 'failed')
  if (failed) return { outcome: 'failed', milliseconds, ...failureOf(failed) }
  const passed = tests.filter((one) => one.result().state === 'passed')
  if (passed.length === 0) return { outcome: 'no test ran', milliseconds }
  const [error] = result.unhandledErrors
  if (error)
    return { outcome: 'failed', milliseconds, failed: `an unhandled error: ${messageOf(error)}` }
  // A hook that fails leaves every test as it was.
  const broken = modules.some((module) => module.state() === 'failed')
  return { outcome: broken ? 'failed' : 'passed', milliseconds, failed: broken ? 'a hook' : '' }
}

process.on('message', async (command: Command) => {
  if ('run' in command) return process.send?.(await run(command.run, command.retry ?? 0))
  const path = join(copy, command.write)
  await writeFile(path, command.text)
  vitest.invalidateFile(path)
  return process.send?.('written')
})
process.send?.('ready')
