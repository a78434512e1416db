/** Writes the template for AWS into the package. Called by `prepack` with the repository's template and the place for it. */

import { readFileSync, writeFileSync } from 'node:fs'
import { toStarterTemplate } from './aws-template.ts'

const [from = '', to = ''] = process.argv.slice(2)
writeFileSync(to, toStarterTemplate(readFileSync(from, 'utf8')))
