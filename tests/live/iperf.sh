#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# iperf3 over TCP and UDP. Rates and loss are printed, not judged: the ring of an AF_PACKET port may overflow unseen.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
reach blue
background server-blue iperf3 -s -B "$server" # else its UDP replies leave from another address
listening() { in_space server-blue ss -ltn | grep -q ':5201 '; }
wait_for 30 "iperf3" listening
run_iperf() { in_space client-blue iperf3 -c "$server" -t 3 --connect-timeout 10000 "$@"; }
run_iperf | tee "$work/tcp.txt"
grep -q ' receiver' "$work/tcp.txt" || fail "TCP gave no result"
# The server needs a moment between two tests.
run_udp() { run_iperf -u -b 50M -l 1200 >"$work/udp.txt" && grep -q ' receiver' "$work/udp.txt"; }
wait_for 60 "a result over UDP" run_udp
cat "$work/udp.txt"
