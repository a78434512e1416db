/** The public API: everything that authors, adapters and stores may import. */

export type { Bindings } from './app.ts'
export { preload } from './app.ts'
export type { Auth, AuthRoute, Platform, Principal } from './auth/auth.ts'
export { AuthError, AuthUnavailable } from './auth/auth.ts'
export type { BearerOptions, StaticToken } from './auth/bearer.ts'
export { bearer } from './auth/bearer.ts'
export type { CognitoOptions } from './auth/cognito.ts'
export { cognito } from './auth/cognito.ts'
export type { FacadeOptions, RequestRewrite } from './auth/facade-options.ts'
export type { GatewayOptions } from './auth/gateway.ts'
export { gateway, toAuthorizerContext } from './auth/gateway.ts'
export type { Issuer, OAuthOptions } from './auth/oauth.ts'
export { oauth } from './auth/oauth.ts'
export type { StepContext, StepOptions } from './client-requests/client-request.ts'
export { StepInterrupted, Suspended } from './client-requests/client-request.ts'
export type { App, AppOptions, AppVisibility } from './extensions/app.ts'
export { app, showsApps } from './extensions/app.ts'
export type {
  Extension,
  ExtensionOptions,
  MethodHandler,
  MethodOptions,
} from './extensions/extension.ts'
export { extension } from './extensions/extension.ts'
export type { ServerCardOptions } from './extensions/server-card.ts'
export { serverCard } from './extensions/server-card.ts'
export type { Access, Caller } from './handlers/access.ts'
export type { ToolReturn, ToolReturnOf } from './handlers/content.ts'
export { audio, embedded, image, resourceLink, text } from './handlers/content.ts'
export type { ClientRequestOptions, Context, Log, Notify, RequestInfo } from './handlers/context.ts'
export type { Completer, Described } from './handlers/definition.ts'
export type { ExtensionContext, ListName } from './handlers/extension.ts'
export type { Failure } from './handlers/failure.ts'
export { failure } from './handlers/failure.ts'
export type { Group, GroupOptions } from './handlers/group.ts'
export type { Limit, Limits } from './handlers/limit-options.ts'
export type {
  AddedMiddleware,
  CallKind,
  Calls,
  CompletionCall,
  ListCall,
  Middleware,
  PromptCall,
  ResourceCall,
  ToolCall,
} from './handlers/middleware.ts'
export type { PromptHandler, PromptOptions, PromptReturn } from './handlers/prompt.ts'
export type { Registration } from './handlers/registry.ts'
export type {
  ListedResource,
  ResourceHandler,
  ResourceListing,
  ResourceOptions,
} from './handlers/resource.ts'
export type { TaskOptions } from './handlers/task-options.ts'
export type { ToolContext, ToolHandler, ToolOptions } from './handlers/tool.ts'
export type { BodyOptions } from './http/body.ts'
export type { HostOriginOptions } from './http/host-origin.ts'
export type { Page } from './http/page.ts'
export { isLoopback } from './lib/loopback.ts'
export type { MaybePromise } from './lib/maybe-promise.ts'
export { createMcp } from './mcp.ts'
export type { Mcp, Registered } from './mcp-interface.ts'
export type { McpOptions } from './options.ts'
export { McpError } from './protocol/errors.ts'
export type { RequestId } from './protocol/jsonrpc.ts'
export type {
  CallOutcome,
  ObservedCall,
  ObservedRequest,
  Observer,
  ServerCounts,
  StoreStats,
} from './protocol/observer.ts'
export type { Era, LegacyRevision, ModernRevision, Revision } from './protocol/revisions.ts'
export { LEGACY_REVISIONS, MODERN_REVISIONS } from './protocol/revisions.ts'
export type * from './protocol/types.ts'
export type { Infer, JsonSchema, Schema } from './schema/schema.ts'
export type { LogEntry, Logger } from './server.ts'
export type { MemoryStoreOptions } from './state/memory.ts'
export { memoryStore } from './state/memory.ts'
export type { SessionValues } from './state/session-values.ts'
export type {
  JsonValue,
  Store,
  StoredEntry,
  StoredRecord,
  StoreGetOptions,
  StoreKey,
  StorePutOptions,
  StoreWatch,
} from './state/store.ts'
export { StoreConflict, StoreUnavailable, ValueTooLarge } from './state/store.ts'
export type { InProcessOptions } from './tasks/in-process.ts'
export { inProcess } from './tasks/in-process.ts'
export type {
  Runner,
  RunnerFactory,
  RunnerLogEntry,
  RunnerTask,
  StalledTurn,
  TaskEngine,
  TaskRef,
  Turn,
  TurnOptions,
} from './tasks/runner.ts'
