#!/usr/bin/env bash
# `npm run check:template`: lints template.yaml, builds it as `sam build` does, and tests the stack that SAM translates it to.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash test/aws/tools.sh

export PATH="$PWD/.cache/aws/python/bin:$PATH" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-west-1
cfn-lint template.yaml
sam validate --lint
sam build
# SAM must build the same files as `npm run build`.
npm run --silent build:lambda
diff -rq --exclude='*.map' dist/lambda/lambda .aws-sam/build/McpFunction
diff -rq --exclude='*.map' dist/lambda/authorizer .aws-sam/build/AuthorizerFunction

cfn-lint examples/function-url/template.yaml
(cd examples/function-url && sam validate --lint && sam build)
npx vitest run --config test/aws/vitest.config.ts template
