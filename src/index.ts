/** The public API: what authors, doors and engines are written against. */

export type { Bindings } from './app.ts'
export { readAhead } from './app.ts'
export { Suspended } from './asking/question.ts'
export type { Auth, AuthRoute, Door, Principal } from './auth/auth.ts'
export { AuthError, AuthUnavailable } from './auth/auth.ts'
export type { BearerOptions, StaticToken } from './auth/bearer.ts'
export { bearer } from './auth/bearer.ts'
export type { CognitoOptions } from './auth/cognito.ts'
export { cognito } from './auth/cognito.ts'
export type { FacadeOptions } from './auth/facade.ts'
export type { GatewayOptions } from './auth/gateway.ts'
export { gateway, toAuthorizerContext } from './auth/gateway.ts'
export type { Issuer, OAuthOptions } from './auth/oauth.ts'
export { oauth } from './auth/oauth.ts'
export type { Failure, ToolReturn } from './content.ts'
export { audio, embedded, failure, image, resourceLink, text } from './content.ts'
export type { Context, Log, Notify, QuestionOptions, RequestInfo } from './context.ts'
export type {
  Completer,
  PromptHandler,
  PromptOptions,
  PromptReturn,
  Registration,
  ResourceHandler,
  ResourceOptions,
  ToolHandler,
  ToolOptions,
} from './define.ts'
export type { GuardOptions } from './http/guard.ts'
export type { Mcp, McpOptions } from './mcp.ts'
export { createMcp } from './mcp.ts'
export { McpError } from './protocol/errors.ts'
export type { Era, Revision } from './protocol/revisions.ts'
export { LEGACY_REVISIONS, MODERN_REVISIONS } from './protocol/revisions.ts'
export type * from './protocol/types.ts'
export type { Infer, JsonSchema, Schema } from './schema.ts'
export type { LogEntry, Logger } from './server.ts'
export type { MemoryStoreOptions } from './state/memory.ts'
export { memoryStore } from './state/memory.ts'
export type { Entry, Json, Key, PutOptions, Store, Stored, Watch } from './state/store.ts'
export { Conflict, StoreUnavailable, ValueTooLarge } from './state/store.ts'
export type { SessionValues } from './state/values.ts'
