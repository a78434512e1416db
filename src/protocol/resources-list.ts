/** `resources/list` and `resources/templates/list`: both exist where there is a resource of either kind. */
import type { Catalog } from '../handlers/registry.ts'
import type { Resource } from '../handlers/resource.ts'
import { lazyImport } from '../lib/lazy-import.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Call } from './call.ts'
import { methodNotFound } from './errors.ts'
import type { List } from './list-page.ts'
import { describedItem, listPage } from './list-page.ts'
import type { Revision } from './revisions.ts'

export function listResources(call: Call): MaybePromise<string> {
  const { resources, templates } = requireResources(call)
  const list: List<Resource> = {
    name: 'resources',
    items: resources,
    toItem: (resource, revision) => ({
      uri: resource.uri,
      ...commonMembers(resource, revision),
      size: resource.options.size,
    }),
  }
  const listers = [...templates.values()].filter(({ options }) => options.list)
  return listers.length > 0 ? listWithListers(call, list, listers) : listPage(call, list)
}

const listedResources = lazyImport(() => import('./listed-resources.ts'))

async function listWithListers(
  call: Call,
  list: List<Resource>,
  listers: readonly Resource[],
): Promise<string> {
  return (await listedResources()).listWithTemplates(call, list, listers)
}

export function listResourceTemplates(call: Call): MaybePromise<string> {
  const { templates } = requireResources(call)
  return listPage(call, {
    name: 'resourceTemplates',
    items: templates,
    toItem: (resource, revision) => ({
      uriTemplate: resource.uri,
      ...commonMembers(resource, revision),
    }),
  })
}

function requireResources({ registry, method }: Call): Catalog {
  if (registry.resources.size + registry.templates.size === 0) throw methodNotFound(method)
  return registry
}

function commonMembers({ options }: Resource, revision: Revision): object {
  const { name, description, mimeType, annotations } = options
  return {
    name,
    ...describedItem(options, revision),
    description,
    mimeType,
    annotations,
  }
}
