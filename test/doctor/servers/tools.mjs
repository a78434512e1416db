// The tools of every server here: a greeting, and a call that takes a while and reports progress.
import { setTimeout } from 'node:timers/promises'
import * as z from 'zod'

export const INFO = { name: 'examined', version: '1.0.0' }
export const PORT = Number(process.env.PORT)
export const NAME = z.object({ name: z.string() })
export const STEPS = z.object({ steps: z.number() })
export const content = (text) => ({ content: [{ type: 'text', text }] })
export const greet = ({ name }) => content(`Hello, ${name}!`)

export async function count({ steps }, report) {
  for (let step = 1; step <= steps; step++) {
    await report(step, steps)
    await setTimeout(250)
  }
  return content('done')
}
