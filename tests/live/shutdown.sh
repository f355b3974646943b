#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A second gateway on the same socket refuses and says why; SIGTERM ends the first cleanly, and its socket is gone.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
reach blue
if in_space gateway "$bin/sluiced" --host "$work/host.yaml" "$work/live.img" >"$work/second.log" 2>&1; then
    fail "a second gateway started"
fi
cat "$work/second.log"
grep -q "$work/control.sock" "$work/second.log" || fail "the refusal does not name the socket"
reach blue
mode=$(stat -c %a "$work/control.sock")
[ "$mode" = 660 ] || fail "the socket has mode $mode"
kill -TERM "$gateway_pid"
status=0
wait "$gateway_pid" || status=$?
gateway_pid=
[ $status -eq 0 ] || fail "sluiced ended with status $status"
[ ! -e "$work/control.sock" ] || fail "the socket was left behind"
