#!/usr/bin/env bash
# Installs what the reliability campaigns break things with: strace for faults
# in system calls, e2fsprogs and util-linux for disks that lose their power.
#
# Nothing is done where all of it is there. Only root can install; the campaigns
# themselves need root too, to mount. Usage: scripts/mechanisms.sh
set -euo pipefail

declare -A package=(
  [strace]=strace
  [mkfs.ext4]=e2fsprogs
  [mount]=mount
  [umount]=mount
  [losetup]=mount
)

wanted=()
for tool in "${!package[@]}"; do
  command -v "$tool" >/dev/null 2>&1 || wanted+=("${package[$tool]}")
done
((${#wanted[@]} > 0)) || exit 0

if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null 2>&1; then
  printf 'mechanisms: missing: %s (Debian: apt-get install %s)\n' "${wanted[*]}" "${wanted[*]}" >&2
  exit 1
fi
echo "mechanisms: installing ${wanted[*]}" >&2
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"
