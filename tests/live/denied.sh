#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the policy rejects is refused at once, what it drops gets no answer, and neither reaches the server, which
# would answer on both ports.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
reach blue
for port in 25 23 2525; do
    background server-blue "$here/server.py" http $port denied
    wait_for 30 "the server" in_space server-blue curl -sf -m 2 "http://127.0.0.1:$port/0"
done
connect() { in_space client-blue curl -s -o /dev/null -m "$2" "http://$server:$1/0" || echo $?; }
[ -z "$(connect 2525 30)" ] || fail "an allowed port is not reached"
[ "$(connect 25 30)" = 7 ] || fail "tcp/25 was not refused"          # curl: 7 is connection refused
[ "$(connect 23 4)" = 28 ] || fail "tcp/23 was answered"             # curl: 28 is timed out
# Nobody outside opens a connection to the inside, not even to the published server's other ports.
[ "$(in_space server-blue curl -s -o /dev/null -m 4 "http://${external[blue]}:81/" || echo $?)" = 28 ] || fail "tcp/81 from outside was answered"
control drops | tee "$work/drops.txt"
grep -q 'FW_DENY' "$work/drops.txt" || fail "the drop was not counted"
grep -q 'FW_REJECT' "$work/drops.txt" || fail "the refusal was not counted"
