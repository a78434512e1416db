/** `npm start`: a chat on Amazon Bedrock with the tools of an MCP server. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Agent, BedrockModel, McpClient } from '@strands-agents/sdk'

const { env, stdin, stdout, stderr } = process
const url = env.MCP_SERVER_URL || 'http://127.0.0.1:3000/mcp'
const modelId = env.BEDROCK_MODEL_ID || 'amazon.nova-pro-v1:0'
const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1'

const server = new McpClient({
  url,
  applicationName: 'streamable-mcp-agent',
  ...(env.ACCESS_TOKEN && { headers: { Authorization: `Bearer ${env.ACCESS_TOKEN}` } }),
  // Otherwise the SDK would add trace data to the arguments of each call.
  disableMcpInstrumentation: true,
})
const agent = new Agent({
  model: new BedrockModel({ region, modelId }),
  tools: [server],
  systemPrompt: 'You are a helpful assistant. Use your tools where they help to answer.',
  printer: false,
})

/** The answer that is being written. Ctrl+C ends it; when there is none, it ends the chat. */
let answering: AbortController | undefined

async function answer(question: string): Promise<void> {
  answering = new AbortController()
  try {
    for await (const event of agent.stream(question, { cancelSignal: answering.signal })) {
      if (event.type === 'beforeToolCallEvent') stdout.write(`\n[${event.toolUse.name}]\n`)
      if (event.type !== 'modelStreamUpdateEvent') continue
      const { event: update } = event
      if (update.type !== 'modelContentBlockDeltaEvent') continue
      if (update.delta.type === 'textDelta') stdout.write(update.delta.text)
    }
    stdout.write(answering.signal.aborted ? '\n(cancelled)\n' : '\n')
  } catch (error) {
    stderr.write(`\n${modelProblem(error)}\n`)
  } finally {
    answering = undefined
  }
}

/** Says what to do about the usual mistakes in a setup. */
function modelProblem(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause))
  if (name === 'AccessDeniedException') {
    return `Bedrock denied access to ${modelId} in ${region}: the identity needs bedrock:InvokeModelWithResponseStream, and the account access to the model.`
  }
  if (name === 'CredentialsProviderError') {
    return 'There are no AWS credentials: sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID.'
  }
  if (name === 'ThrottlingException') return 'Bedrock is throttling: try again in a moment.'
  return `No answer from Bedrock: ${message}`
}

function serverProblem(error: unknown): string {
  const { message, code } = error as { message?: string; code?: unknown }
  if (code === 401 || (error instanceof Error && error.name === 'UnauthorizedError')) {
    return `${url} wants a token: set ACCESS_TOKEN to a token that it accepts.`
  }
  return `${url} does not answer as an MCP server: check MCP_SERVER_URL, and that it runs (${message}).`
}

async function chat(): Promise<void> {
  const tools = await server.listTools()
  stdout.write(`${modelId} with ${tools.map(({ name }) => name).join(', ')}\n`)
  stdout.write('Ctrl+C ends an answer, and between answers the chat.\n\n')

  const lines = createInterface({ input: stdin, output: stdout, terminal: stdin.isTTY === true })
  const interrupt = () => {
    if (answering) answering.abort()
    else lines.close()
  }
  // At a terminal readline receives Ctrl+C as a key; otherwise the process receives a signal.
  lines.on('SIGINT', interrupt)
  process.on('SIGINT', interrupt)
  lines.setPrompt('> ')
  let open = true
  let last = Promise.resolve()
  lines.on('line', (line) => {
    if (line.trim()) last = last.then(() => answer(line))
    last = last.then(() => {
      if (open) lines.prompt()
    })
  })
  lines.prompt()
  await once(lines, 'close')
  open = false
  await last
  stdout.write('\nGoodbye\n')
}

try {
  await chat()
} catch (error) {
  stderr.write(`${serverProblem(error)}\n`)
  process.exitCode = 1
} finally {
  await server.disconnect().catch(() => {})
}
