#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Names over UDP, IPv4 through NAT and IPv6 routed: each tenant gets its own server's answer to the same question at
# the same address.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
for tenant in blue red; do
    serve_dns "$(server_of $tenant)" "answer-$tenant"
    reach $tenant
done
for tenant in blue red; do
    for at in "$server" "$server6"; do
        answer=$(in_space "$(client_of $tenant)" dig +short +time=10 +tries=3 "@$at" txt who.test)
        [ "$answer" = "\"answer-$tenant\"" ] || fail "$tenant asked $at and got $answer"
    done
done
