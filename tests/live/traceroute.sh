#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The way to the server shows the gateway once, by its inside address, then the server: over IPv4 and IPv6.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
reach blue
trace() { # trace TARGET GATEWAY
    in_space client-blue traceroute -n -q 1 -w 20 -m 8 "$1" | tee "$work/route.txt"
    awk 'NR > 1 { print $2 }' "$work/route.txt" >"$work/hops.txt"
    printf '%s\n' "$2" "$1" | diff - "$work/hops.txt" || fail "unexpected hops to $1"
}
trace "$server" 10.1.1.1
wait_for 60 "IPv6" in_space client-blue ping -n -c 1 -W 2 "$server6"
trace "$server6" "${inside6[blue]}::1"
