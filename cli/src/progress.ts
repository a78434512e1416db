/** A bar on the last line of the terminal while a call runs; it steps aside for everything else. */

import type { Progress } from '@modelcontextprotocol/client'
import type { Output } from './output.ts'
import { printable } from './output.ts'

export interface ProgressBar {
  update(progress: Progress): void
  clear(): void
}

export function progressBar(output: Output): ProgressBar {
  let shown = false
  return {
    update({ progress, total, message }) {
      if (!output.live) return
      shown = true
      output.status(progressText(progress, total, message, output.columns))
    },
    clear() {
      if (shown) output.status(undefined)
      shown = false
    },
  }
}

/** One line that never wraps: a wrapped one cannot be redrawn in place. */
export function progressText(
  progress: number,
  total: number | undefined,
  message: string | undefined,
  columns: number,
): string {
  const about = message === undefined ? '' : ` ${printable(message).replaceAll('\n', ' ')}`
  if (total === undefined || total <= 0) return fit(`… ${progress}${about}`, columns)
  const share = Math.min(1, Math.max(0, progress / total))
  const width = Math.max(10, Math.min(30, columns - 50))
  const full = Math.round(share * width)
  const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)}`
  return fit(`${bar} ${String(Math.round(share * 100)).padStart(3)} %${about}`, columns)
}

function fit(text: string, columns: number): string {
  const characters = [...text]
  return characters.length < columns ? text : `${characters.slice(0, columns - 2).join('')}…`
}
