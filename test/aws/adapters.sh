#!/usr/bin/env bash
# `npm run test:aws`: the bundles behind Lambda's real runtime client and the translated API.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash test/aws/tools.sh
npm run --silent build
npx vitest run --config test/aws/vitest.config.ts --exclude '**/{template,cold-start}.check.ts' "$@"
