/** Shows a bar on the last line of the terminal while a call runs. It is removed while other text is printed. */

import type { Progress } from '@modelcontextprotocol/client'
import type { Output } from './output.ts'
import type { Text } from './text.ts'
import { fitted, text } from './text.ts'

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

/** Returns one line that fits the terminal, because a wrapped line cannot be redrawn in place. */
export function progressText(
  progress: number,
  total: number | undefined,
  message: string | undefined,
  columns: number,
): Text {
  const about = message === undefined ? text`` : text` ${message}`
  if (total === undefined || total <= 0) return fitted(text`… ${progress}${about}`, columns - 1)
  const share = Math.min(1, Math.max(0, progress / total))
  const width = Math.max(10, Math.min(30, columns - 50))
  const full = Math.round(share * width)
  const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)}`
  const percent = String(Math.round(share * 100)).padStart(3)
  return fitted(text`${bar} ${percent} %${about}`, columns - 1)
}
