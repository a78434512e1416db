/** Serves every form of output schema and the reference server's tools over HTTP, for the Python clients. */
import { serve } from '../../adapters/node.ts'
import { createReferenceServer } from '../../reference/tools/index.ts'
import { createOutputServer } from './output-schemas.ts'

const log = () => {}
const outputs = await serve(createOutputServer(), { port: 0 })
const reference = await serve(createReferenceServer({ log }), { port: 0 })
const [first, second] = [outputs, reference].map(({ port }) => `http://127.0.0.1:${port}/mcp`)
process.stdout.write(`${first}\n${second}\n`)
