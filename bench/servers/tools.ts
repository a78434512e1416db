/** The tools of the servers that take zod's schemas. */
import * as z from 'zod'
import { TOOL_COUNT } from './serving.ts'

export const INFO = { name: 'bench', version: '1.0.0' }

export const ADD = {
  description: 'Adds two numbers',
  schema: z.object({ a: z.number(), b: z.number() }),
  run: ({ a, b }: { a: number; b: number }) => String(a + b),
}

/** More tools besides `add`, so that the server has the wanted number. */
export const OTHERS = Array.from({ length: TOOL_COUNT - 1 }, (_, i) => ({
  name: `tool_${i + 1}`,
  description: `Tool ${i + 1}`,
  schema: z.object({ a: z.number(), b: z.string() }),
  run: ({ b }: { a: number; b: string }) => b,
}))

export const COUNT = {
  description: 'Tells its progress with every step',
  schema: z.object({ steps: z.number(), turns: z.boolean() }),
  async run(
    { steps, turns }: { steps: number; turns: boolean },
    report: (done: number, total: number) => unknown,
  ): Promise<string> {
    for (let i = 1; i <= steps; i++) {
      await report(i, steps)
      if (turns) await new Promise((resolve) => setImmediate(resolve))
    }
    return 'done'
  },
}

export const content = (text: string) => ({ content: [{ type: 'text' as const, text }] })
