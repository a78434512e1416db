/** What the suite's scenarios of extensions expect, beside the fixtures of the protocol itself. */
import { skills } from '../../adapters/skills.ts'
import type { Mcp } from '../../src/index.ts'
import { app, extension } from '../../src/index.ts'

export function addExtensions(mcp: Mcp): void {
  skills(mcp, {
    'git-workflow/SKILL.md': `---
name: git-workflow
description: How this team branches and commits
license: MIT
metadata:
  version: "1.0"
---

# Git workflow

Read [the hooks](references/hooks.md) first.
`,
    'git-workflow/references/hooks.md': '# Hooks\n',
    'acme/billing/refunds/SKILL.md': `---
name: refunds
description: How refunds are made
---

# Refunds
`,
  })
  app(mcp, 'conformance', { html: '<!doctype html><title>Page</title>' })
  mcp.extend(
    extension('com.example/conformance', {
      // The schema of 2026-07-28 knows no null within settings.
      revisions: ['2025-11-25'],
      settings: { nested: { enabled: true, limit: 3 }, values: [null, 'b', 4] },
    }),
  )
  mcp.extend(extension('com.example/empty'))
  mcp.tool(
    'test_legacy_extension_capabilities',
    { description: 'Returns the extensions that the client declares' },
    (_, ctx) => JSON.stringify({ extensions: ctx.request.capabilities.extensions }),
  )
}
