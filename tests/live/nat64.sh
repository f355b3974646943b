#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IPv6 clients of both tenants reach the IPv4 server behind the NAT64 prefix: pings (in fragments as well), the path MTU of
# the narrower uplink in IPv6 terms, closed ports, and transfers both ways, whose hashes must agree.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
behind=2001:db8:64::$server # as the clients know the server
for tenant in blue red; do
    at=$(client_of $tenant)
    wait_for 60 "$tenant to reach the server by NAT64" in_space "$at" ping -n -c 1 -W 2 "$behind"
    in_space "$at" ping -n -q -c 20 -i 0.05 -W 10 "$behind" | tee "$work/ping.txt"
    grep -q ' 20 received' "$work/ping.txt" || fail "$tenant lost pings"
    # 1400 bytes of IPv4 are 1420 of IPv6; what the client learns it keeps to, in fragments.
    in_space "$at" ping -n -M 'do' -c 1 -W 10 -s 1440 "$behind" 2>&1 | tee "$work/ping.txt" || true
    grep -qi 'mtu *[=:] *1420' "$work/ping.txt" || fail "$tenant: no path MTU"
    in_space "$at" ping -n -M dont -c 1 -W 10 -s 1440 "$behind" | grep -q ' 1 received' || fail "$tenant: no reply to fragments"
    # A reply without DF is cut to what every IPv6 link takes.
    in_space "$(server_of $tenant)" sysctl -qw net.ipv4.ip_no_pmtu_disc=1
    in_space "$at" ping -n -M dont -c 1 -W 10 -s 1440 "$behind" | grep -q ' 1 received' || fail "$tenant: no reply in fragments"
    in_space "$at" nstat -asz Ip6ReasmOKs | grep -q 'Ip6ReasmOKs  *[1-9]' || fail "$tenant: the reply was not in fragments"
    status=0
    in_space "$at" curl -sS -m 10 "http://[$behind]:81/" 2>"$work/refused.txt" || status=$?
    [ $status -eq 7 ] || fail "$tenant: a closed port gave status $status: $(<"$work/refused.txt")"
    serve_http "$(server_of $tenant)" "server-$tenant"
done
size=20000000
transfers=()
for tenant in blue red; do
    (
        got=$(in_space "$(client_of $tenant)" curl -sS -m 300 "http://[$behind]/$size" | sha256sum | cut -d' ' -f1)
        [ "$got" = "$("$here/server.py" hash "server-$tenant" $size)" ] || fail "$tenant: another file came down"
        "$here/server.py" bytes "upload-$tenant" $size >"$work/upload-$tenant"
        in_space "$(client_of $tenant)" ip -6 route flush cache # the upload finds the path MTU out for itself
        got=$(in_space "$(client_of $tenant)" curl -sS -m 300 -T "$work/upload-$tenant" "http://[$behind]/")
        [ "$got" = "$(sha256sum "$work/upload-$tenant" | cut -d' ' -f1)" ] || fail "$tenant: the upload arrived as $got"
        echo "$tenant: $size bytes each way, hashes right"
    ) &
    transfers+=($!)
done
for transfer in "${transfers[@]}"; do wait "$transfer" || fail "a transfer"; done
control sessions | head -20
control sessions | grep -q '2001:db8:64::c612:9' || fail "sessions do not show what the client asked for"
