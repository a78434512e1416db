/** Selects parts of a result by a path: `.tools[].name`, `.content[0].text`, `.["odd name"]`. */

import { exitCodes, Problem } from './problem.ts'

type Step = { readonly key: string } | { readonly index: number } | 'each'

/** Returns the value at the path; with `[]` in the path, a list of the values that exist. */
export function filtered(value: unknown, path: string): unknown {
  const steps = parsePath(path)
  let found = [value]
  for (const step of steps) found = found.flatMap((one) => take(one, step))
  return steps.includes('each') ? found : found[0]
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  if (step === 'each') return Object.values(value)
  if ('index' in step) return Array.isArray(value) ? value.slice(step.index).slice(0, 1) : []
  return Object.hasOwn(value, step.key) ? [(value as Record<string, unknown>)[step.key]] : []
}

function parsePath(path: string): Step[] {
  const pattern = /\.?([\w-]+)|\.?\["((?:[^"\\]|\\.)*)"\]|\.?\[(-?\d+)\]|\.?\[\]|\.$/y
  const steps: Step[] = []
  while (pattern.lastIndex < path.length) {
    const at = pattern.lastIndex
    const match = pattern.exec(path)
    if (match === null) {
      throw new Problem(`The filter "${path}" cannot be read from "${path.slice(at)}" on.`, {
        exit: exitCodes.usage,
        next: 'Write a path like .tools[].name or .content[0].text.',
      })
    }
    const [whole, name, quoted, index] = match
    if (name !== undefined) steps.push({ key: name })
    else if (quoted !== undefined) steps.push({ key: quoted.replace(/\\(.)/g, '$1') })
    else if (index !== undefined) steps.push({ index: Number(index) })
    else if (whole !== '.') steps.push('each')
  }
  return steps
}
