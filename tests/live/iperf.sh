#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# iperf3 over TCP and UDP. Rates and loss are printed, not judged: the ring of an AF_PACKET port may overflow unseen.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
reach blue
background server-blue iperf3 -s
wait_for 30 "iperf3" in_space server-blue bash -c 'exec 3<>/dev/tcp/127.0.0.1/5201'
run_iperf() { in_space client-blue iperf3 -c "$server" -t 3 --connect-timeout 10000 "$@"; }
wait_for 30 "iperf3 to be free" run_iperf -n 1K
run_iperf | tee "$work/tcp.txt"
grep -q ' receiver' "$work/tcp.txt" || fail "TCP gave no result"
run_iperf -u -b 50M -l 1200 | tee "$work/udp.txt"
grep -q ' receiver' "$work/udp.txt" || fail "UDP gave no result"
