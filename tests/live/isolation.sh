#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Both tenants use the same addresses and ports at the same time; everything either can see is captured, and nothing of
# the other is in it.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
sides=()
for tenant in blue red; do sides+=("$(client_of $tenant)" "$(server_of $tenant)"); done
for side in "${sides[@]}"; do
    background "$side" tcpdump -i eth0 -n -p -U -s 256 -w "$work/$side.pcap"
    wait_for 30 "the capture in $side" test -s "$work/$side.pcap"
done
declare -A mark=([blue]=BLUEBLUE [red]=REDREDRE)
for tenant in blue red; do
    serve_http "$(server_of $tenant)" "${mark[$tenant]}"
    serve_http "$(client_of $tenant)" "${mark[$tenant]}"
    serve_dns "$(server_of $tenant)" "${mark[$tenant]}"
    reach $tenant
done
exercise() {
    local at
    at=$(client_of "$1")
    in_space "$at" curl -sf -m 120 -o "$work/$1.body" "http://$server/2000000" &&
        in_space "$at" curl -sf -m 120 --local-port 40000 -o "$work/$1.same-port" "http://$server/20000" &&
        in_space "$at" dig +time=10 +tries=3 -b "$client#5353" "@$server" txt "${mark[$1]}.test" >"$work/$1.dns" &&
        in_space "$at" ping -n -q -c 20 -i 0.02 -W 10 -s 64 -p "$(printf %s "${mark[$1]}" | od -An -tx1 | tr -d ' \n')" "$server" >"$work/$1.ping" &&
        in_space "$at" ping -n -q -c 3 -i 0.02 -W 10 "$server6" >"$work/$1.ping6" &&
        in_space "$(server_of "$1")" curl -sf -m 120 -o "$work/$1.in" "http://${external[$1]}:8080/2000000"
}
exercise blue & first=$!
exercise red & second=$!
wait $first || fail "blue's traffic"
wait $second || fail "red's traffic"
for side in "${sides[@]}"; do
    # tcpdump writes each packet at once (-U); the last reply was read by its client already.
    own=${mark[${side##*-}]}
    other=$([ "$own" = BLUEBLUE ] && echo REDREDRE || echo BLUEBLUE)
    seen=$(grep -ac "$own" "$work/$side.pcap" || true)
    [ "$seen" -gt 0 ] || fail "$side: the capture has nothing of its own"
    ! grep -aq "$other" "$work/$side.pcap" || fail "$side saw a packet of the other tenant"
done
strangers() { tcpdump -nr "$work/$1.pcap" "$2" 2>/dev/null | tee -a "$work/strangers.log" | wc -l; }
[ "$(strangers server-blue 'net 203.0.113.128/25 or net 2001:db8:fffe::/64 or net 2001:db8:c::/48')" = 0 ] || fail "server-blue saw red's addresses"
[ "$(strangers server-red 'net 203.0.113.0/25 or net 2001:db8:ffff::/64 or net 2001:db8:b::/48')" = 0 ] || fail "server-red saw blue's addresses"
[ "$(strangers client-blue 'net 2001:db8:c::/48')" = 0 ] || fail "client-blue saw red's addresses"
[ "$(strangers client-red 'net 2001:db8:b::/48')" = 0 ] || fail "client-red saw blue's addresses"
# Inside addresses never leave.
for side in server-blue server-red; do
    [ "$(strangers $side 'net 10.1.0.0/16')" = 0 ] || fail "$side saw an inside address"
done
