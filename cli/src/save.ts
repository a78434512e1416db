/** Saves the images, sounds and files of a result, under names that this client chooses. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallToolResult } from '@modelcontextprotocol/client'

/**
 * The extension of each known type. Every other type becomes `.bin`, because the server chooses the type,
 * and a desktop runs some files because of their name (`.desktop`, `.exe`, `.html`, `.svg`).
 */
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/avif', 'avif'],
  ['image/bmp', 'bmp'],
  ['image/tiff', 'tiff'],
  ['audio/mpeg', 'mp3'],
  ['audio/mp4', 'm4a'],
  ['audio/ogg', 'ogg'],
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
  ['audio/flac', 'flac'],
  ['video/mp4', 'mp4'],
  ['video/webm', 'webm'],
  ['application/pdf', 'pdf'],
  ['application/json', 'json'],
  ['application/zip', 'zip'],
  ['application/gzip', 'gz'],
  ['text/plain', 'txt'],
  ['text/csv', 'csv'],
  ['text/markdown', 'md'],
])

export interface Binary {
  readonly data: string
  readonly mimeType: string
}

export function binariesOf({ content }: Pick<CallToolResult, 'content'>): Binary[] {
  return content.flatMap((block) => {
    if (block.type === 'image' || block.type === 'audio') {
      return [{ data: block.data, mimeType: block.mimeType }]
    }
    if (block.type !== 'resource' || !('blob' in block.resource)) return []
    return [{ data: block.resource.blob, mimeType: block.resource.mimeType ?? '' }]
  })
}

/** Writes files that only the user can read and that cannot be run. Resolves with their paths. */
export async function saveBinaries(binaries: readonly Binary[], folder: string): Promise<string[]> {
  if (binaries.length === 0) return []
  await mkdir(folder, { recursive: true })
  const stamp = new Date().toISOString().replace(/[:.]/g, '-')
  return Promise.all(
    binaries.map(async ({ data, mimeType }, index) => {
      const [type = ''] = mimeType.toLowerCase().split(';', 1)
      const extension = EXTENSIONS.get(type.trim()) ?? 'bin'
      const path = join(folder, `${stamp}-${index + 1}.${extension}`)
      await writeFile(path, Buffer.from(data, 'base64'), { flag: 'wx', mode: 0o600 })
      return path
    }),
  )
}
