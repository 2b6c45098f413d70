#!/usr/bin/env bash
# Runs every Go fuzz target of the module for FUZZTIME each (default 30s).
#
# Targets are discovered, so a new one needs no line here. The first target
# that finds a failing input stops the run; Go keeps that input under the
# package's testdata/fuzz, to be committed with the fix.
# Usage: [FUZZTIME=30s] scripts/fuzz.sh [PACKAGE…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

time=${FUZZTIME:-30s}
((${#} > 0)) || set -- ./...

count=0
for package in $(go list "$@"); do
  # Compiling a test binary for every package only to list nothing is slow.
  dir=$(go list -f '{{.Dir}}' "$package")
  grep -qs '^func Fuzz' "$dir"/*_test.go || continue
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz'); do
    count=$((count + 1))
    echo "fuzz: $package $target for $time"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
  done
done
echo "fuzz: $count targets, no failing input"
((count > 0)) || { echo "fuzz: no fuzz target was found in $*" >&2; exit 1; }
