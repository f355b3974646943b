#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command as systemd would under a unit: a root folder that only FOLDER of can be written, the unit's capabilities
# and no way to others. Call it in a mount namespace of its own.
# usage: unshare -m confine.sh FOLDER UNIT COMMAND...
set -euo pipefail
folder=$1 unit=$2
shift 2
capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | sed 's/CAP_/+/g; s/ /,/g' | tr '[:upper:]' '[:lower:]')
mount --make-rprivate /
mount --bind "$folder" "$folder"
mount -o remount,ro,bind /
if touch /etc/sluice-confined 2>/dev/null; then
    echo "confine.sh: the root folder can still be written" >&2
    exit 1
fi
RUNTIME_DIRECTORY=$folder exec setpriv --no-new-privs --inh-caps=-all --bounding-set="-all,$capabilities" "$@"
