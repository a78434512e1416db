/** Derives the usual name of a model from the identifier in an invocation log. */

/** The first segment of a cross-region inference profile: `us.anthropic.…`, `global.anthropic.…`. */
const GEOGRAPHY = /^(?:global|apac|us-gov|[a-z]{2})$/
const PROVIDER = /^[a-z][a-z0-9]*$/

/**
 * `anthropic.claude-v2:1`, `us.anthropic.claude-v2:1` and their ARNs all become `claude-v2:1`. A resource
 * whose ARN does not name a model (a provisioned or custom model, an application inference profile)
 * becomes `type/id`, so that two of them keep different names.
 */
export function modelName(id: string | undefined): string {
  if (!id) return 'unknown'
  const resource = id.startsWith('arn:') ? id.split(':').slice(5).join(':') : id
  const slash = resource.indexOf('/')
  if (slash === -1) return withoutOrigin(resource)
  const type = resource.slice(0, slash)
  const last = resource.slice(resource.lastIndexOf('/') + 1)
  if (!id.startsWith('arn:') || type === 'foundation-model' || type === 'inference-profile') {
    return withoutOrigin(last)
  }
  return `${type}/${last}`
}

/** A version may hold a dot (`zai.glm-4.7`), so only the leading segments are taken off. */
function withoutOrigin(name: string): string {
  const segments = name.split('.')
  if (segments.length > 2 && GEOGRAPHY.test(segments[0] ?? '')) segments.shift()
  if (segments.length > 1 && PROVIDER.test(segments[0] ?? '')) segments.shift()
  return segments.join('.') || name || 'unknown'
}
