#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The health gate under pings: an image that drops them gives way by itself and says why, another one stays.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
host_file_more="images: {directory: $work/images}"
start_gateway
reach blue

# build_variant NAME ACTION: what pings from blue's clients meet.
build_variant() {
    rm -rf "$work/policy"
    cp -r "$here/policy" "$work/policy"
    sed -i "s|^    - {name: no-mail,|    - {name: pings, from: lan, to: internet, service: icmp, action: $2}\n&|" \
        "$work/policy/tenants/blue.yaml"
    "$bin/sluicec" build "$work/policy" -o "$work/$1.img" >>"$work/sluicec.log" 2>&1
}
build_variant good allow
build_variant bad drop

background client-blue ping -n -q -i 0.002 "$server"
control push "$work/bad.img"
status=0
control activate --gate --gate-seconds 3 >"$work/answer.log" 2>&1 || status=$?
cat "$work/answer.log"
[ "$status" -eq 5 ] || fail "the gate ended with $status"
grep -q 'the health gate tripped: FW_.* rose from 0.0 to' "$work/answer.log" || fail "it does not say why"
control status | grep -q 'the health gate tripped: FW_' || fail "status does not say why"
grep -q 'the health gate tripped: FW_' "$work/sluiced.log" || fail "the log does not say why"
reach blue

control push "$work/good.img"
control activate --gate --gate-seconds 3 --gate-cycles 10000 | tee "$work/answer.log"
grep -q 'is active, confirmed' "$work/answer.log" || fail "the good image is not confirmed"
reach blue
