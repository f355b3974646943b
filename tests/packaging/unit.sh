#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The unit file as systemd reads it: no complaint, and no more exposed than it is today.
# usage: unit.sh FILE PROGRAM
set -euo pipefail
command -v systemd-analyze >/dev/null || { echo "skipped: no systemd-analyze"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The program is not installed where the unit has it.
sed "s|/usr/sbin/sluiced|$2|" "$1" >"$work/sluiced.service"
complaints=$(systemd-analyze verify --man=no "$work/sluiced.service" 2>&1) || { echo "$complaints"; exit 1; }
[ -z "$complaints" ] || { echo "$complaints"; exit 1; }
systemd-analyze security --offline=true --no-pager --threshold=35 "$work/sluiced.service" | tail -n 1
