#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The uplink takes 1400 bytes, the client's link 1500: the client learns it from the gateway, over IPv4 and IPv6, and an
# upload in full-sized segments arrives.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
reach blue
wait_for 60 "IPv6" in_space client-blue ping -n -c 1 -W 2 "$server6"
too_big() { in_space client-blue ping -n -M 'do' -c 1 -W 10 -s 1450 "$1" 2>&1 | tee "$work/ping.txt" || true; }
too_big "$server"
grep -qi 'mtu *= *1400' "$work/ping.txt" || fail "no path MTU for IPv4"
too_big "$server6"
grep -qi 'mtu *[=:] *1400' "$work/ping.txt" || fail "no path MTU for IPv6"
# Without DF the gateway cuts the packet itself; the server puts it together again.
in_space client-blue ping -n -M dont -c 1 -W 10 -s 1450 "$server" | grep -q ' 1 received' || fail "no reply to a packet in fragments"
# Forget what was learned: the upload has to find out for itself.
in_space client-blue ip route flush cache
serve_http server-blue upload
"$here/server.py" bytes upload 10000000 >"$work/upload"
got=$(in_space client-blue curl -sS -m 300 -T "$work/upload" "http://$server/")
[ "$got" = "$(sha256sum "$work/upload" | cut -d' ' -f1)" ] || fail "the upload arrived as $got"
