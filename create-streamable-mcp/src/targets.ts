/** Where a server can run, and what a project for it consists of. */

/** A place where a server can run. */
export type Target = 'aws' | 'node' | 'docker' | 'workers'

/** What a target adds to the files and settings that every project has. */
export interface TargetFiles {
  readonly title: string
  /** Files of the project, each with its name in `template/` where that is another one. */
  readonly files: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** Files of every project. npm leaves a file called `.gitignore` out of a package, so it has another name there. */
const COMMON_FILES = {
  'server.ts': 'server.ts',
  'server.test.ts': 'server.test.ts',
  'tsconfig.json': 'tsconfig.json',
  '.gitignore': 'gitignore',
}

/** A server on Node, also for development where the target is AWS. */
const NODE_FILES = { 'main.ts': 'main.ts' }

const NODE_SCRIPTS = { dev: 'streamable-mcp dev server.ts', start: 'node main.ts' }

/** Ranges of the versions that the starters were tested with. */
export const VERSIONS = {
  '@aws/durable-execution-sdk-js': '^2.4.0',
  '@modelcontextprotocol/client': '^2.4.0',
  '@types/node': '^24.0.0',
  esbuild: '^0.28.2',
  typescript: '^7.0.2',
  valibot: '^1.5.0',
  wrangler: '^4.164.0',
} as const

export const TARGETS: Readonly<Record<Target, TargetFiles>> = {
  aws: {
    title: 'AWS Lambda, with API Gateway and DynamoDB',
    files: {
      ...COMMON_FILES,
      ...NODE_FILES,
      'lambda.ts': 'lambda.ts',
      'tasks.ts': 'tasks.ts',
      'authorizer.ts': 'authorizer.ts',
      'build.mjs': 'build.mjs',
      Makefile: 'Makefile',
      'template.yaml': 'template.yaml',
      'samconfig.toml': 'samconfig.toml',
      'README.md': 'readme-aws.md',
      '.github/workflows/deploy.yml': 'workflow-aws.yml',
    },
    scripts: { ...NODE_SCRIPTS, deploy: 'sam build && sam deploy' },
    devDependencies: {
      '@aws/durable-execution-sdk-js': VERSIONS['@aws/durable-execution-sdk-js'],
      esbuild: VERSIONS.esbuild,
    },
  },
  node: {
    title: 'Node, on a machine of yours',
    files: {
      ...COMMON_FILES,
      ...NODE_FILES,
      'README.md': 'readme-node.md',
      '.github/workflows/test.yml': 'workflow-node.yml',
    },
    scripts: NODE_SCRIPTS,
    devDependencies: {},
  },
  docker: {
    title: 'A container: Docker, Kubernetes, ECS, AgentCore',
    files: {
      ...COMMON_FILES,
      ...NODE_FILES,
      Dockerfile: 'Dockerfile',
      '.dockerignore': 'dockerignore',
      'README.md': 'readme-docker.md',
      '.github/workflows/deploy.yml': 'workflow-docker.yml',
    },
    scripts: { ...NODE_SCRIPTS, deploy: 'docker build --tag {{name}} .' },
    devDependencies: {},
  },
  workers: {
    title: 'Cloudflare Workers',
    files: {
      ...COMMON_FILES,
      'worker.ts': 'worker.ts',
      'wrangler.jsonc': 'wrangler.jsonc',
      '.dev.vars': 'dev.vars',
      'README.md': 'readme-workers.md',
      '.github/workflows/deploy.yml': 'workflow-workers.yml',
    },
    scripts: { dev: 'wrangler dev', start: 'wrangler dev', deploy: 'wrangler deploy' },
    devDependencies: { wrangler: VERSIONS.wrangler },
  },
}

export const TARGET_NAMES = Object.keys(TARGETS) as Target[]

export function isTarget(text: string): text is Target {
  return text in TARGETS
}

/** Node runs TypeScript as it is from this version on. */
const OLDEST_NODE = [22, 18] as const

/** What `engines.node` of a project says. */
export const NODE_RANGE = `>=${OLDEST_NODE.join('.')}`

/** Returns a line for a Node on which the project does not run; otherwise an empty text. */
export function nodeWarning(version: string): string {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldest, oldestMinor] = OLDEST_NODE
  if (major > oldest || (major === oldest && minor >= oldestMinor)) return ''
  return `\nThe project needs Node ${OLDEST_NODE.join('.')} or newer, and this is ${version}: install a newer one first.\n`
}
