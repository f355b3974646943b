#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the unit file takes away, the gateway does not need: packets pass AF_PACKET devices with the root folder read-only
# and the unit's capabilities alone.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
command -v setpriv >/dev/null || skip "no setpriv"
unshare -m true 2>/dev/null || skip "no mount namespaces"
# shellcheck disable=SC2034 # start_gateway reads it
gateway_wrapper=(unshare -m "$here/confine.sh" "$work" "$here/../../packaging/sluiced.service")
start_gateway
for tenant in blue red; do
    reach $tenant
done
grep -q '^CapBnd:.*0000827002$' "/proc/$gateway_pid/status" || fail "the gateway has other capabilities than the unit's"
control status
