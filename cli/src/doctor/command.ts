/** The command `doctor`, the same at the prompt and on the command line. */

import { splitWords } from '../arguments.ts'
import type { Command } from '../commands/command.ts'
import { parseServerUrl } from '../settings.ts'
import { runDoctor } from './doctor.ts'

/** Milliseconds for which the slow check watches a quiet stream. */
const IDLE_TIME = 65_000

export const doctorCommand: Command = {
  names: ['doctor'],
  usage: '[url] [--slow] [--tool "<name> name=value …"]',
  summary: 'examine a server: what is wrong, why, and what to do',
  notes: [
    'With a stored login or ACCESS_TOKEN it looks further.',
    '--slow watches an idle stream for a minute.',
    '--tool "<name> name=value …" names a call that takes a while, to watch its stream.',
  ],
  needs: 'nothing',
  run: async ({ context, signal, words, options, view }) => {
    const [address] = words
    const url = address === undefined ? context.settings.url : parseServerUrl(address)
    // A login that cannot be renewed must not stop the doctor, which examines it.
    const token =
      url === context.settings.url
        ? await context.authorization.token().catch(() => undefined)
        : undefined
    const [name, ...input] = splitWords(options.tool ?? '')
    return runDoctor({
      url,
      token,
      fetch: context.http,
      signal,
      now: Date.now,
      call: name === undefined ? undefined : { name, words: input },
      slow: options.slow === true,
      idleTime: IDLE_TIME,
      output: context.output,
      view,
    })
  },
}
