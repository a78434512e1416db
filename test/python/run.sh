#!/usr/bin/env bash
# `npm run test:python`: the official Python clients against the conformance fixtures: the SDK's version 1
# (2025), and version 2 in each of its modes (2025, 2026, and whichever it finds).
set -euo pipefail
cd "$(dirname "$0")/../.."

for version in 1.30.0 2.3.0; do
  home=$PWD/.cache/python/$version
  [ -x "$home/ready" ] && continue
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --quiet --disable-pip-version-check "mcp==$version"
  ln -s bin/python "$home/ready"
done

url=$(mktemp)
PORT=0 node --import tsx test/support/run-fixtures.ts >"$url" &
server=$!
trap 'kill $server; rm -f "$url"' EXIT
until [ -s "$url" ]; do
  kill -0 $server
  sleep 0.1
done

# Version 2 warns about features of 2025 that 2026 has removed.
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
.cache/python/1.30.0/bin/python test/python/client_v1.py "$(cat "$url")"
for mode in auto legacy 2026-07-28; do
  .cache/python/2.3.0/bin/python test/python/client_v2.py "$(cat "$url")" "$mode"
done
