#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Twenty images, one after the other, under pings of both tenants and a transfer of one, while somebody looks at all
# there is to see and reads metrics ten times a second: no ping is lost, the transfer is whole and nobody stays
# without an answer. What an image says holds as soon as it is active; what is not confirmed goes back.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
host_file_more="images: {directory: $work/images}"
control_more=', metrics: "127.0.0.1:9180"'
swaps=20
start_gateway
in_space gateway ip link set lo up
serve_http server-blue server-blue
for tenant in blue red; do reach $tenant; done

# build_variant N: a rule more, and tcp/2525 is refused with odd ones.
build_variant() {
    rm -rf "$work/policy"
    cp -r "$here/policy" "$work/policy"
    local action=allow
    [ $(($1 % 2)) -eq 1 ] && action=reject
    sed -i "s|^  http:   \[tcp/80\]|&\n  odd:    [tcp/2525]|; s|^    - {name: no-mail,|    - {name: swap-$1, from: lan, to: internet, service: odd, action: $action}\n&|" \
        "$work/policy/tenants/blue.yaml"
    "$bin/sluicec" build "$work/policy" -o "$work/$1.img" >>"$work/sluicec.log" 2>&1
}
for n in $(seq $swaps); do build_variant "$n"; done

transfer_bytes=60000000
pings=()
for tenant in blue red; do
    in_space "$(client_of $tenant)" ping -n -q -i 0.05 -c 400 -W 10 "$server" >"$work/ping-$tenant.log" &
    pings+=($!)
done
in_space client-blue curl -sS -m 300 --limit-rate 3M "http://$server/$transfer_bytes" 2>"$work/curl.log" | sha256sum >"$work/hash" &
transfer=$!

look_on() {
    while :; do
        for what in status stats drops sessions flows neighbours images; do
            control --json $what >"$work/looked-at" || echo $what >>"$work/unanswered.log"
        done
    done
}
scrape() {
    while :; do
        in_space gateway curl -sf -m 10 -o "$work/metrics" http://127.0.0.1:9180/metrics || echo metrics >>"$work/unanswered.log"
        sleep 0.1
    done
}
look_on &
watchers=($!)
scrape &
watchers+=($!)
pids+=("${watchers[@]}")

for n in $(seq $swaps); do
    control push "$work/$n.img" >>"$work/control.log"
    control activate >>"$work/control.log"
    sleep 0.5
done
for ping in "${pings[@]}"; do wait "$ping" || fail "a ping ended badly"; done
for tenant in blue red; do
    cat "$work/ping-$tenant.log"
    grep -q ' 400 received' "$work/ping-$tenant.log" || fail "$tenant lost pings while images were swapped"
done
wait $transfer || fail "the transfer ended badly: $(<"$work/curl.log")"
[ "$(cut -d' ' -f1 "$work/hash")" = "$("$here/server.py" hash server-blue $transfer_bytes)" ] || fail "the transfer's hash is wrong"

kill "${watchers[@]}"
wait "${watchers[@]}" || true
[ ! -e "$work/unanswered.log" ] || fail "somebody stayed without an answer"
grep -q '^sluice_image_swaps_total' "$work/metrics" || fail "no metrics were read"

# The last image (even) lets tcp/2525 pass; the one before rejects it.
background server-blue "$here/server.py" http 2525 odd
wait_for 30 "the server" in_space server-blue curl -sf -m 2 "http://127.0.0.1:2525/0"
connect() { in_space client-blue curl -s -o /dev/null -m 30 "http://$server:2525/0" || echo $?; }
[ -z "$(connect)" ] || fail "the last image is not in force"
control rollback
[ "$(connect)" = 7 ] || fail "the image before is not in force" # curl: 7 is connection refused
build_variant 22
control push "$work/22.img"
control activate --confirm-within 2s
[ -z "$(connect)" ] || fail "the pending image is not in force"
returned() { control status | grep -q 'not confirmed in time'; }
wait_for 60 "the way back" returned
[ "$(connect)" = 7 ] || fail "what was confirmed did not come back"
control images
control gc --keep 2 >/dev/null
count=$(find "$work/images" -name '*.img' | wc -l)
[ "$count" -eq 2 ] || fail "$count images are left"

# Killed, and started with no image named: what was confirmed last.
running=$(control --json status | sed -n 's/^    "digest": "\(.*\)".*/\1/p')
kill -KILL "$gateway_pid"
wait "$gateway_pid" 2>/dev/null || true
rm -rf "/var/run/dpdk/sluiced-$gateway_pid"
ip netns exec "$(space gateway)" "$bin/sluiced" --host "$work/host.yaml" >"$work/sluiced.log" 2>&1 &
gateway_pid=$!
wait_for 60 "the gateway" gateway_answers
control status | grep "image $running, revision" || fail "it boots another image"
reach blue
