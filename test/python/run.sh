#!/usr/bin/env bash
# `npm run test:python`: the Python clients. The official SDK against the conformance fixtures, with waiting
# and with suspended calls: version 1 (2025), and version 2 in each of its modes (2025, 2026, and whichever it
# finds). Then tasks and durable tools, with FastMCP 3 and 4 as well, and every form of output schema, with
# smolagents.
set -euo pipefail
cd "$(dirname "$0")/../.."

install() { # FOLDER PACKAGE...
  local home=$PWD/.cache/python/$1
  shift
  [ "$(cat "$home/ready" 2>/dev/null)" = "$*" ] && return
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --quiet --disable-pip-version-check "$@"
  echo "$*" >"$home/ready"
}
install v1 mcp==1.30.0 fastmcp==3.4.11 'smolagents[mcp]==1.26.0'
install v2 mcp==2.3.0 fastmcp==4.1.4
v1=.cache/python/v1/bin/python
v2=.cache/python/v2/bin/python

servers=()
urls=$(mktemp -d)
trap 'kill "${servers[@]}"; rm -rf "$urls"' EXIT
# Starts a server, which writes its URLs, and waits for the first.
start() { # NAME SCRIPT
  PORT=0 node --import tsx "test/support/$2" >"$urls/$1" &
  servers+=($!)
  until [ -s "$urls/$1" ]; do
    kill -0 $!
    sleep 0.1
  done
}
start fixtures run-fixtures.ts
SUSPEND_AFTER=100 start suspending run-fixtures.ts
start outputs run-output-server.ts
fixtures=$(cat "$urls/fixtures")
suspending=$(cat "$urls/suspending")
{ read -r outputs && read -r reference; } <"$urls/outputs"

# Version 2 warns about features of 2025 that 2026 has removed.
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
$v1 test/python/client_v1.py "$fixtures"
$v1 test/python/client_v1.py "$suspending"
for mode in auto legacy 2026-07-28; do
  $v2 test/python/client_v2.py "$fixtures" "$mode"
done
$v2 test/python/client_v2.py "$suspending" legacy
$v1 test/python/tasks_v1.py "$fixtures"
$v2 test/python/tasks_v2.py "$fixtures"
$v1 test/python/outputs_v1.py "$outputs"
for mode in legacy 2026-07-28; do
  $v2 test/python/outputs_v2.py "$outputs" "$mode"
done
$v1 test/python/smolagents_tools.py "$reference"
