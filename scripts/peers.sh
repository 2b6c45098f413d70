#!/usr/bin/env bash
# Installs what the tests drive: real MCP servers from npm, at the versions
# that e2e/peers/package-lock.json pins with their integrity hashes.
#
# They go into .peers/ (never committed). Nothing is done when the lock file
# has not changed since the last run, so this is safe to call before every
# test run. Usage: scripts/peers.sh [--force]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
from=$root/e2e/peers
to=$root/.peers

die() {
  printf 'peers: %s\n' "$@" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null 2>&1 || die "$1 is missing: $2"
}

need go "the tests need Go 1.26 or newer"
need cc "the race detector needs a C compiler (Debian: apt-get install gcc libc6-dev)"
need node "the tests drive MCP servers that run on Node 20 or newer (Debian: apt-get install nodejs npm)"
need npm "the tests install MCP servers with npm (Debian: apt-get install npm)"

major=$(node -p 'process.versions.node.split(".")[0]')
((major >= 20)) || die "node is version $(node --version), and the MCP servers need 20 or newer"

mkdir -p "$to"
# Two test runs in one checkout must not install over each other.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$to/.lock"
  flock 9
fi

want=$(cat "$from/package.json" "$from/package-lock.json" "$from/.npmrc" | cksum)
stamp=$to/.stamp
if [[ ${1:-} != --force && -f $stamp && $(<"$stamp") == "$want" ]]; then
  exit 0
fi

rm -rf "$to/node_modules" "$stamp"
cp "$from/package.json" "$from/package-lock.json" "$from/.npmrc" "$to/"
log=$to/install.log
echo "peers: installing the MCP servers that the tests drive" >&2
# `npm ci` installs exactly the lock file; .npmrc forbids install scripts.
if ! (cd "$to" && npm ci --no-progress </dev/null >"$log" 2>&1); then
  tail -n 20 "$log" >&2
  die "npm could not install the servers of e2e/peers/package.json (full output: $log)"
fi
for server in everything filesystem memory; do
  [[ -f $to/node_modules/@modelcontextprotocol/server-$server/dist/index.js ]] ||
    die "npm finished, but server-$server has no dist/index.js (full output: $log)"
done
printf '%s\n' "$want" >"$stamp"
