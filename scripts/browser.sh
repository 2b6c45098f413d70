#!/usr/bin/env bash
# Installs the browser in which the tests open the approval page: a headless
# Chromium for Linux that lies in an npm package, at the version that
# e2e/peers/browser/package-lock.json pins with its integrity hash.
#
# It goes into .peers/browser/ (never committed). Nothing is done when the lock
# file has not changed since the last run. Where it cannot be had the script
# says why and ends with status 3.
# Usage: scripts/browser.sh [--force]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
from=$root/e2e/peers/browser
to=$root/.peers/browser

cannot() {
  printf 'browser: %s\n' "$@" >&2
  exit 3
}

[[ $(uname -s)/$(uname -m) == Linux/x86_64 ]] || cannot "the pinned Chromium runs on Linux/x86_64, and this is $(uname -s)/$(uname -m)"
command -v npm >/dev/null 2>&1 || cannot "npm is missing (Debian: apt-get install nodejs npm)"

mkdir -p "$to"
# Two test runs in one checkout must not install over each other.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$to/.lock"
  flock 9
fi

want=$(cat "$from/package.json" "$from/package-lock.json" "$from/.npmrc" "${BASH_SOURCE[0]}" | cksum)
stamp=$to/.stamp
if [[ ${1:-} != --force && -f $stamp && $(<"$stamp") == "$want" ]]; then
  exit 0
fi

rm -rf "$to/node_modules" "$to/bin" "$stamp"
cp "$from/package.json" "$from/package-lock.json" "$from/.npmrc" "$to/"
log=$to/install.log
echo "browser: installing the Chromium that the tests drive" >&2
if ! (cd "$to" && npm ci --no-progress </dev/null >"$log" 2>&1); then
  tail -n 5 "$log" >&2
  cannot "npm could not install what e2e/peers/browser/package.json names (full output: $log)"
fi

# The package holds the program and its libraries compressed with brotli.
mkdir -p "$to/bin"
packed=$to/node_modules/@sparticuz/chromium/bin
unpack() {
  node -e 'const fs = require("fs"), z = require("zlib");
    require("stream").pipeline(fs.createReadStream(process.argv[1]), z.createBrotliDecompress(), process.stdout, (e) => { if (e) throw e })' "$packed/$1"
}
unpack chromium.br >"$to/bin/chromium"
unpack swiftshader.tar.br | tar -x -C "$to/bin"
unpack al2023.tar.br | tar -x -C "$to/bin"
chmod +x "$to/bin/chromium"
LD_LIBRARY_PATH=$to/bin/lib "$to/bin/chromium" --version >>"$log" 2>&1 </dev/null ||
  cannot "the Chromium that was installed does not start (full output: $log)"
rm -rf "$to/node_modules"
printf '%s\n' "$want" >"$stamp"
