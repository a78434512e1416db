/** The methods that few servers need, as one module, so that their code is loaded at the first call of one. */
export { complete } from './completion-complete.ts'
export { setLogLevel } from './logging-set-level.ts'
export { getPrompt } from './prompts-get.ts'
export { listPrompts } from './prompts-list.ts'
export { listResources, listResourceTemplates } from './resources-list.ts'
export { readResource } from './resources-read.ts'
export { subscribe, unsubscribe } from './resources-subscribe.ts'
