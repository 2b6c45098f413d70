#!/usr/bin/env bash
# Runs the linters: golangci-lint with .golangci.yml, then govulncheck.
#
# Both are built from source at the versions below into bin/ (never
# committed), so everyone sees the same findings. govulncheck reads the public
# vulnerability database; where that cannot be reached it says so and passes,
# unless CUSTOS_VULN_REQUIRED=1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

golangci=v2.15.0
govulncheck=v1.8.0

# tool NAME VERSION PACKAGE: builds bin/NAME-VERSION once.
tool() {
  local binary=bin/$1-$2
  if [[ ! -x $binary ]]; then
    echo "lint: building $1 $2" >&2
    mkdir -p bin
    GOBIN=$PWD/bin GOFLAGS='' go install "$3@$2" || {
      echo "lint: cannot build $1 $2: the Go module proxy must be reachable once" >&2
      exit 1
    }
    mv "bin/$1" "$binary"
  fi
}

failed=0
tool golangci-lint "$golangci" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
"bin/golangci-lint-$golangci" run ./... || failed=1

tool govulncheck "$govulncheck" golang.org/x/vuln/cmd/govulncheck
report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
"bin/govulncheck-$govulncheck" ./... >"$report" 2>&1 || status=$?
# Exit 3 means that vulnerabilities were found; anything else that is not 0
# means that the check could not be made.
case $status in
0) cat "$report" ;;
3)
  cat "$report"
  failed=1
  ;;
*)
  echo "lint: govulncheck could not check for known vulnerabilities:" >&2
  tail -n 3 "$report" >&2
  if [[ ${CUSTOS_VULN_REQUIRED:-} == 1 ]]; then
    echo "lint: CUSTOS_VULN_REQUIRED=1, so this is a failure" >&2
    failed=1
  fi
  echo "lint: NOT checked for known vulnerabilities (set CUSTOS_VULN_REQUIRED=1 to make this fail)" >&2
  ;;
esac
exit "$failed"
