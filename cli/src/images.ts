/** Shows images in the terminal if it can, and saves them in a folder otherwise. */

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Output } from './output.ts'
import type { Binary } from './save.ts'
import { saveBinaries } from './save.ts'
import { sixelOf } from './sixel.ts'
import { text } from './text.ts'

export type ImageProtocol = 'kitty' | 'iterm' | 'sixel'

/** Finds the image protocol from the terminal's variables. Multiplexers such as tmux do not pass images on. */
export function imageProtocol(env: NodeJS.ProcessEnv): ImageProtocol | undefined {
  const { TERM = '', TERM_PROGRAM = '' } = env
  if (env.TMUX || /^(screen|tmux)/.test(TERM)) return undefined
  if (TERM.includes('kitty') || env.KITTY_WINDOW_ID || TERM_PROGRAM === 'ghostty') return 'kitty'
  if (/^(iTerm\.app|WezTerm|mintty)$/.test(TERM_PROGRAM) || env.LC_TERMINAL === 'iTerm2') {
    return 'iterm'
  }
  return /sixel|^foot|^mlterm|^contour/.test(TERM) ? 'sixel' : undefined
}

/** Prints images, but only to a terminal, because scripts save images with `--save`. */
export async function showImages(binaries: readonly Binary[], output: Output): Promise<void> {
  const env = output.terminal
  if (env === undefined) return
  const protocol = imageProtocol(env)
  const unseen: Binary[] = []
  for (const binary of binaries) {
    const sequence = protocol === undefined ? undefined : imageSequence(binary, protocol)
    if (sequence === undefined) unseen.push(binary)
    else output.control(sequence)
  }
  if (unseen.length === 0) return
  const folder = await mkdtemp(join(tmpdir(), 'streamable-mcp-'))
  for (const path of await saveBinaries(unseen, folder)) output.note(text`Saved ${path}`)
}

/** Returns the escape sequence of an image, or undefined if the protocol does not know its type. */
export function imageSequence(
  { data, mimeType }: Binary,
  protocol: ImageProtocol,
): string | undefined {
  if (!mimeType.startsWith('image/') || mimeType.includes('svg')) return undefined
  const bytes = Buffer.from(data, 'base64')
  // The data is encoded again, because the server's own text could end the sequence and begin another one.
  const base64 = bytes.toString('base64')
  switch (protocol) {
    case 'kitty':
      return mimeType === 'image/png' ? kittySequence(base64) : undefined
    case 'iterm':
      return `\u001b]1337;File=inline=1;size=${bytes.length}:${base64}\u0007`
    case 'sixel':
      return mimeType === 'image/png' ? sixelOf(bytes) : undefined
  }
}

/** The number of characters that the kitty protocol takes at once. */
function kittySequence(base64: string): string {
  const parts = base64.match(/.{1,4096}/g) ?? []
  return parts
    .map((part, index) => {
      const first = index === 0 ? 'a=T,f=100,' : ''
      const more = index < parts.length - 1 ? 1 : 0
      return `\u001b_G${first}m=${more};${part}\u001b\\`
    })
    .join('')
}
