#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An image that would drop pings judges them in the shadow: they pass, and it is said by which line it would not.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
host_file_more="images: {directory: $work/images}"
start_gateway
reach blue
cp -r "$here/policy" "$work/policy"
sed -i "s|^    - {name: no-mail,|    - {name: no-pings, from: lan, to: internet, service: icmp, action: drop}\n&|" \
    "$work/policy/tenants/blue.yaml"
line=$(grep -n 'name: no-pings' "$work/policy/tenants/blue.yaml" | cut -d: -f1)
"$bin/sluicec" build "$work/policy" -o "$work/next.img" >>"$work/sluicec.log" 2>&1

control push "$work/next.img"
control shadow status | grep -q 'no shadow was started' || fail "there is a shadow already"
control shadow start
for _ in 1 2 3; do reach blue; done
reach red
judged() { control shadow status | grep -q '4 flows, 3 would fare differently'; }
wait_for 30 "the judgement" judged
control shadow stop | tee "$work/answer.log"
grep -q "now:  allow by blue.outbound" "$work/answer.log" || fail "it does not say what is now"
grep -q "then: drop by blue.no-pings (.*blue.yaml:$line)" "$work/answer.log" || fail "it does not say by which line"
reach blue
status=0
control shadow stop || status=$?
[ "$status" -eq 5 ] || fail "stopping what is stopped ends with $status"
