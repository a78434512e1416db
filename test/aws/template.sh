#!/usr/bin/env bash
# `npm run check:template`: lints template.yaml, builds it as `sam build` does, and tests the stack that SAM translates it to.
set -euo pipefail
cd "$(dirname "$0")/../.."
step() { printf '%4ss  %s\n' "$SECONDS" "$*"; }

step tools
bash test/aws/tools.sh checkov

export PATH="$PWD/.cache/aws/python/bin:$PATH" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-west-1
step checkov
.cache/aws/checkov/bin/checkov --config-file test/aws/checkov.yaml --file template.yaml &
scanning=$!
step cfn-lint
cfn-lint template.yaml examples/function-url/template.yaml
sam validate --lint
wait "$scanning"

step 'sam build'
sam build
# SAM must build the same files as `npm run build`.
npm run --silent build:lambda
diff -rq --exclude='*.map' dist/lambda/lambda .aws-sam/build/McpFunction
diff -rq --exclude='*.map' dist/lambda/tasks .aws-sam/build/TaskFunction
diff -rq --exclude='*.map' dist/lambda/authorizer .aws-sam/build/AuthorizerFunction

step 'the example'
(cd examples/function-url && sam validate --lint && sam build)

step 'the translated template'
npx vitest run --config test/aws/vitest.config.ts template
step done
