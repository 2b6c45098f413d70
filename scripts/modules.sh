#!/usr/bin/env bash
# Runs vet and the tests of the modules under adapter/ and e2e/, which ./... of the root
# module does not reach. Their go.mod replaces the root module by this checkout.
#
# Usage: scripts/modules.sh [vet|test|lint|tidy|bench]…   (default: vet test)
#   lint   golangci-lint with .golangci.yml, built by scripts/lint.sh
#   tidy   after a dependency of the root module changed
#   bench  native and peer side by side, BENCHTIME (200ms) each; the figures of docs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

timeout=${TIMEOUT:-40m}
((${#} > 0)) || set -- vet test

for mod in adapter/*/go.mod e2e/*/go.mod; do
  cd "$root/$(dirname "$mod")"
  for what in "$@"; do
    echo "modules: $what $(dirname "$mod")" >&2
    case $what in
    vet)
      # A root dependency that this module does not know yet is the usual cause.
      go vet ./... || {
        echo "modules: if an entry of go.sum is missing, run scripts/modules.sh tidy" >&2
        exit 1
      }
      ;;
    test) go test -race -timeout "$timeout" ./... ;;
    lint)
      linter=$(find "$root/bin" -name 'golangci-lint-*' -perm -u+x 2>/dev/null | sort | tail -n 1)
      [[ -n $linter ]] || {
        echo "modules: scripts/lint.sh builds the linter first" >&2
        exit 1
      }
      "$linter" run --config "$root/.golangci.yml" ./...
      ;;
    tidy) go mod tidy ;;
    bench) go test -run '^$' -bench Decide -benchtime "${BENCHTIME:-200ms}" -timeout 60m ./... ;;
    *)
      echo "modules: $what is not vet, test, lint, tidy or bench" >&2
      exit 2
      ;;
    esac
  done
done
