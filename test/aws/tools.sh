#!/usr/bin/env bash
# Installs once the tools that only the AWS checks need, so that `npm ci` stays fast: Python’s CloudFormation
# tools, Node 24, and Lambda's own runtime client. They are installed in .cache/aws. `tools.sh checkov`
# installs checkov as well, in an environment of its own because its dependencies differ from those of SAM.
set -euo pipefail
cd "$(dirname "$0")/../.."

home=$PWD/.cache/aws
pinned='aws-sam-cli==1.170.0 aws-sam-translator==1.115.0 cfn-lint==1.58.0'
scanner='checkov==3.3.30'
emulator='aws-durable-execution-sdk-python-testing==1.4.0' # AWS's own engine of durable executions
runtime_client='aws-lambda-ric@4.0.2'
simulator='@cloud-copilot/iam-simulate@0.1.173' # under the AGPL: a tool, and no part of the package
node='node@24'

stamp="$pinned $emulator $runtime_client $simulator $node"
mkdir -p "$home"

# Creates a Python environment with these packages.
python() {
  python3 -m venv "$home/$1"
  # shellcheck disable=SC2086 # a list
  "$home/$1/bin/pip" install --quiet --quiet --disable-pip-version-check $2
}

scanning=
if [ "${1:-}" = checkov ] && [ "$(cat "$home/checkov/stamp" 2>/dev/null)" != "$scanner" ]; then
  rm -rf "$home/checkov"
  # Beside the other installation: each waits for the network most of its time.
  (python checkov "$scanner" && echo "$scanner" >"$home/checkov/stamp") &
  scanning=$!
fi

if [ "$(cat "$home/stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$home/node" ]; then
  rm -rf "$home"/{stamp,python,durable,runtime,node}
  (python python "$pinned" && python durable "$emulator") &
  installing=$!
  # Its install scripts compile a native HTTP client for a minute and a half. Streaming does not use it;
  # for the rest there is a stand-in, found by `require` because a folder may bear that name too.
  npm install --prefix "$home/runtime" --ignore-scripts --no-save --no-audit --no-fund --silent "$runtime_client" "$simulator"
  ln -s "$(npx --yes --package "$node" node -p process.execPath)" "$home/node"
  wait "$installing"
  echo "$stamp" >"$home/stamp"
fi
if [ -n "$scanning" ]; then wait "$scanning"; fi

native=$home/runtime/node_modules/aws-lambda-ric/rapid-client.node
mkdir -p "$native"
cp test/aws/rapid-client.cjs "$native/index.js"
echo '{"type":"commonjs"}' >"$native/package.json"
