/** The fixed answers of the floors: the same bytes as a real server sends, without the work. */
import { TOOL_COUNT } from './serving.ts'

export const CALLED = { content: [{ type: 'text', text: '3' }] }

const LISTED = {
  tools: Array.from({ length: TOOL_COUNT }, (_, i) => ({
    name: i === 0 ? 'add' : `tool_${i}`,
    description: i === 0 ? 'Adds two numbers' : `Tool ${i}`,
    inputSchema: {
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: i === 0 ? 'number' : 'string' } },
      required: ['a', 'b'],
    },
  })),
}

export function resultOf(method: unknown): object {
  return method === 'tools/list' ? LISTED : CALLED
}

export function progressEvent(progress: number, total: number): string {
  const params = { progressToken: 1, progress, total }
  return `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`
}
