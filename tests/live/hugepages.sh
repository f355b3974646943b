#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same gateway with its memory in hugepages, which this test reserves and gives back.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "not root"
pages=/proc/sys/vm/nr_hugepages
[ -w $pages ] || skip "this kernel has no hugepages"
before=$(<$pages)
undo() {
    if mountpoint -q "$work/huge"; then umount "$work/huge"; fi
    echo "$before" >$pages
}
echo $((before + 128)) >$pages
[ "$(<$pages)" -ge $((before + 64)) ] || skip "no memory for 64 hugepages"
mkdir "$work/huge"
mount -t hugetlbfs none "$work/huge" || skip "no hugetlbfs"

# shellcheck disable=SC2034 # start_gateway reads it
hugepages=required
start_gateway
control status | grep -q "hugepages yes" || fail "the gateway does not say that it runs in hugepages"
for tenant in blue red; do
    reach $tenant
done
