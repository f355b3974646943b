#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Both tenants ping the gateway, their own server through source NAT, and IPv6 without NAT.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
for tenant in blue red; do
    at=$(client_of $tenant)
    for target in 10.1.1.1 "${inside6[$tenant]}::1" "$server" "$server6"; do
        wait_for 60 "$tenant to ping $target" in_space "$at" ping -n -c 1 -W 2 "$target"
        in_space "$at" ping -n -q -c 20 -i 0.05 -W 10 "$target" | tee "$work/ping.txt"
        grep -q ' 20 received' "$work/ping.txt" || fail "$tenant lost pings to $target"
    done
    # From outside only the gateway itself answers; the inside address is nobody's here.
    in_space "$(server_of $tenant)" ping -n -q -c 3 -i 0.05 -W 10 "${external[$tenant]}"
done
