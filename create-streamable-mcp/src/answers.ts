/** What the program must know: from the command line, and from questions where a person is there to answer. */

import { basename, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import type { Target } from './targets.ts'
import { isTarget, TARGET_NAMES, TARGETS } from './targets.ts'

/** A mistake in the call. The message is one sentence that says what to do. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The command line, as it was written. */
export interface Flags {
  readonly folder?: string | undefined
  readonly target?: string | undefined
  readonly library?: string | undefined
  readonly client?: string | undefined
  readonly install: boolean
  readonly yes: boolean
  readonly help: boolean
  readonly version: boolean
}

/** Everything that a project is made from. */
export interface Answers {
  /** Where the project is written. */
  readonly folder: string
  /** The name of the server, the package and the stack: the last part of the folder's path. */
  readonly name: string
  readonly target: Target
}

export const USAGE = `npm create streamable-mcp@latest <folder> -- --target <${TARGET_NAMES.join('|')}>

  <folder>            where the project is written; its name is the name of the server
  --target <target>   ${TARGET_NAMES.map((name) => `${name.padEnd(8)}${TARGETS[name].title}`).join('\n                      ')}
  --yes               asks nothing: my-server on node, unless told otherwise
  --no-install        does not run npm install
  --library <spec>    what to install as streamable-mcp, such as a tarball
  --client <spec>     what to install as streamable-mcp-cli, which has \`npm run dev\`
  --help, --version`

/** @throws {UsageError} for an unknown flag, or more than one folder */
export function readFlags(args: readonly string[]): Flags {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        target: { type: 'string', short: 't' },
        library: { type: 'string' },
        client: { type: 'string' },
        'no-install': { type: 'boolean', default: false },
        yes: { type: 'boolean', short: 'y', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', short: 'v', default: false },
      },
    })
    const [folder, ...more] = positionals
    if (more.length > 0) throw new UsageError(`One folder is enough: what is ${more.join(' ')}?`)
    const { 'no-install': keepsOut, ...rest } = values
    return { folder, ...rest, install: !keepsOut }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const [first = ''] = String((error as Error).message).split('. ')
    throw new UsageError(`${first}. → --help lists the flags.`)
  }
}

/**
 * Finds the answers. Without a person (`interactive` is false, as in a pipe) each must be on the command
 * line, unless `--yes` takes the defaults.
 *
 * @throws {UsageError} for an answer that is missing or cannot be used
 */
export async function findAnswers(flags: Flags, interactive: boolean): Promise<Answers> {
  const { yes } = flags
  // A wrong answer on the command line is told before anything is asked.
  if (flags.folder !== undefined) requireName(nameOf(flags.folder))
  if (flags.target !== undefined) requireTarget(flags.target)
  if (!yes && !interactive && (flags.folder === undefined || flags.target === undefined)) {
    const missing = [
      ...(flags.folder === undefined ? ['<folder>'] : []),
      ...(flags.target === undefined ? [`--target <${TARGET_NAMES.join('|')}>`] : []),
    ]
    throw new UsageError(`There is no terminal to ask at: add ${missing.join(' and ')}, or --yes.`)
  }
  const asks = !yes && interactive
  const folder = flags.folder ?? (asks ? await askFolder() : 'my-server')
  const target = flags.target ?? (asks ? await askTarget() : 'node')
  return {
    folder: resolve(folder),
    name: requireName(nameOf(folder)),
    target: requireTarget(target),
  }
}

const nameOf = (folder: string) => basename(resolve(folder))

/** The name is also that of an npm package, a CloudFormation stack and a Worker. */
function requireName(name: string): string {
  if (/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,49}$/.test(name)) return name
  throw new UsageError(
    `"${name}" cannot be the name of a server: use small letters, digits and hyphens between them, a letter first, 50 at most.`,
  )
}

function requireTarget(target: string): Target {
  if (isTarget(target)) return target
  throw new UsageError(`"${target}" is not a target: choose one of ${TARGET_NAMES.join(', ')}.`)
}

async function askFolder(): Promise<string> {
  for (;;) {
    const folder = (await ask('Name of the server (my-server): ')) || 'my-server'
    try {
      requireName(nameOf(folder))
      return folder
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`)
    }
  }
}

async function askTarget(): Promise<string> {
  const choices = TARGET_NAMES.map(
    (name, i) => `  ${i + 1}  ${name.padEnd(8)} ${TARGETS[name].title}`,
  )
  process.stdout.write(`Where shall it run?\n${choices.join('\n')}\n`)
  for (;;) {
    const text = (await ask('Number or name (1): ')) || '1'
    const target = TARGET_NAMES[Number(text) - 1] ?? text
    if (isTarget(target)) return target
    process.stderr.write(`Choose 1 to ${TARGET_NAMES.length}, or a name.\n`)
  }
}

/** Asks one question. Ctrl+C and Ctrl+D end the program before anything is written. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const closed = new Promise<never>((_, reject) => {
    terminal.on('close', () => reject(new Cancelled()))
  })
  try {
    return (await Promise.race([terminal.question(question), closed])).trim()
  } finally {
    closed.catch(() => undefined)
    terminal.close()
  }
}

/** The person ended the questions. */
export class Cancelled extends Error {
  override name = 'Cancelled'
}
