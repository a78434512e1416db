/** `completion`: the script that a shell loads so that Tab completes this program. */

import { oneOf } from '../settings.ts'
import { shellScript } from '../shell-scripts.ts'
import { block } from '../text.ts'
import type { Command } from './command.ts'
import { wrongUsage } from './command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

export const shellCompletion: Command = {
  names: ['completion'],
  usage: SHELLS.join(' | '),
  summary: 'the script that makes Tab complete in your shell',
  notes: [
    'bash: source <(streamable-mcp completion bash)',
    'zsh:  source <(streamable-mcp completion zsh)',
    'fish: streamable-mcp completion fish | source',
    'Names of tools, prompts and resources come from the server (--url or MCP_SERVER_URL).',
  ],
  needs: 'nothing',
  run: async ({ context, words }) => {
    const [shell] = words
    if (shell === undefined) throw wrongUsage(shellCompletion)
    context.output.print(block(shellScript(oneOf(SHELLS, shell, 'completion'))))
  },
}
