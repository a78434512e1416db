#!/usr/bin/env bash
# Installs once the tools that only the AWS checks need, so that `npm ci` stays fast: Python’s CloudFormation
# tools, Node 24, and Lambda's own runtime client. They are installed in .cache/aws.
set -euo pipefail
cd "$(dirname "$0")/../.."

home=$PWD/.cache/aws
pinned='aws-sam-cli==1.170.0 aws-sam-translator==1.115.0 cfn-lint==1.58.0'
runtime_client='aws-lambda-ric@4.0.2'
simulator='@cloud-copilot/iam-simulate@0.1.173' # under the AGPL: a tool, and no part of the package
node='node@24'

stamp="$pinned $runtime_client $simulator $node"
mkdir -p "$home"

if [ "$(cat "$home/stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$home/node" ]; then
  rm -rf "$home"/{stamp,python,runtime,node}
  python3 -m venv "$home/python"
  # shellcheck disable=SC2086 # a list
  "$home/python/bin/pip" install --quiet --quiet --disable-pip-version-check $pinned
  # Its install scripts compile a native HTTP client for a minute and a half. Streaming does not use it;
  # for the rest there is a stand-in, found by `require` because a folder may bear that name too.
  npm install --prefix "$home/runtime" --ignore-scripts --no-save --no-audit --no-fund --silent "$runtime_client" "$simulator"
  ln -s "$(npx --yes --package "$node" node -p process.execPath)" "$home/node"
  echo "$stamp" >"$home/stamp"
fi

native=$home/runtime/node_modules/aws-lambda-ric/rapid-client.node
mkdir -p "$native"
cp test/aws/rapid-client.cjs "$native/index.js"
echo '{"type":"commonjs"}' >"$native/package.json"
