/** `npm create streamable-mcp`: finds out name and target, writes the project, installs its packages. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Answers } from './answers.ts'
import { Cancelled, findAnswers, readFlags, USAGE, UsageError } from './answers.ts'
import { writeProject } from './project.ts'
import { nodeWarning } from './targets.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string }

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof Cancelled) process.exitCode = 130
  else {
    process.stderr.write(`${error instanceof UsageError ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

async function main(args: readonly string[]): Promise<number> {
  const flags = readFlags(args)
  if (flags.help || flags.version) {
    process.stdout.write(`${flags.help ? USAGE : version}\n`)
    return 0
  }
  const interactive = Boolean(process.stdin.isTTY && process.stdout.isTTY)
  const answers = await findAnswers(flags, interactive)
  const { library = `^${version}`, client = `^${version}` } = flags
  await writeProject(answers, { library, client })
  const installed = flags.install && (await install(answers.folder))
  process.stdout.write(nextSteps(answers, installed))
  process.stderr.write(nodeWarning(process.versions.node))
  return flags.install && !installed ? 1 : 0
}

/** Returns whether npm installed the packages; it says by itself why not. */
function install(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    const args = ['install', '--no-audit', '--no-fund', '--loglevel=error']
    // On Windows npm is a script, which only a shell can start. No argument comes from the caller.
    const shell = process.platform === 'win32'
    const npm = spawn('npm', args, { cwd: folder, stdio: 'inherit', shell })
    npm.on('error', () => resolve(false))
    npm.on('exit', (code) => resolve(code === 0))
  })
}

function nextSteps({ folder, name, target }: Answers, installed: boolean): string {
  const steps = [
    `cd ${relative(process.cwd(), folder) || '.'}`,
    ...(installed ? [] : ['npm install']),
    'npm test',
    'npm run dev',
    ...(target === 'aws' ? ['sam build && sam deploy --guided'] : []),
    ...(target === 'workers' ? ['npm run deploy'] : []),
  ]
  return `\n${name} is written. Next:\n\n${steps.map((step) => `  ${step}`).join('\n')}\n\nREADME.md says more.\n`
}
