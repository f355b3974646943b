#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One of two uplinks loses its link: what went over it goes over the other one, flows that were there already too, and
# comes back with the link. The uplinks are TAP devices, whose kernel side is both routers and the server.
#
#   client ── access0 ┌─ gateway ─┐ up0 ── 203.0.113.1 ─┐
#                     └───────────┘ up1 ── 198.51.100.1 ┴ 198.18.0.9
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "not root"
[ -x "$bin/sluiced" ] || skip "no sluiced in $bin"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"

add_space gateway
in_space gateway sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
in_space gateway ip link set lo up
add_space client
in_space client sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
cable gateway access0 client eth0
in_space client ip addr add 10.1.1.10/24 dev eth0
in_space client ip route add default via 10.1.1.1
in_space gateway nft -f - <<'RULES'
table netdev quiet {
    chain access0 { type filter hook ingress device access0 priority 0; policy drop; }
}
RULES
"$bin/sluicec" build "$here/link_policy" -o "$work/live.img" >"$work/sluicec.log" 2>&1
cat >"$work/host.yaml" <<HOST
cores: [0]
memory: {hugepages: off}
ports:
  access0: {vdev: "net_af_packet0,iface=access0,framecnt=4096,blocksz=65536"}
  up0: {vdev: "net_tap0,iface=up0"}
  up1: {vdev: "net_tap1,iface=up1"}
control: {socket: $work/control.sock}
HOST
ip netns exec "$(space gateway)" "$bin/sluiced" --host "$work/host.yaml" "$work/live.img" >"$work/sluiced.log" 2>&1 &
gateway_pid=$!
wait_for 60 "the gateway" gateway_answers

in_space gateway ip addr add 203.0.113.1/29 dev up0
in_space gateway ip addr add 198.51.100.1/29 dev up1
in_space gateway ip addr add "$server/32" dev lo
back=(nexthop via 203.0.113.2 dev up0 nexthop via 198.51.100.2 dev up1)
in_space gateway ip route add 192.0.2.8/29 "${back[@]}"

pings() { in_space client ping -n -q -c "$1" -i 0.02 -W 5 "$server"; }
said() { grep -q "port $1 has $2" "$work/sluiced.log"; }
wait_for 60 "the client to ping the server" pings 1
traced() { control trace --on blue/lan --packet "udp 10.1.1.10:$1 > $server:53"; }
ways() { for port in $(seq 5000 5031); do traced "$port" | grep -o '^  up[01]'; done | sort | uniq -c; }
ways | tee "$work/before.txt"
grep -q up0 "$work/before.txt" || fail "nothing goes over up0"
grep -q up1 "$work/before.txt" || fail "nothing goes over up1"

# Flows that are there already: sixteen, so that both uplinks have some.
flows=()
for number in $(seq 16); do
    pings 150 >"$work/flow$number.txt" &
    flows+=($!)
done
wait_for 30 "packets on up0" sh -c "[ \"\$(ip netns exec $(space gateway) cat /sys/class/net/up0/statistics/rx_packets)\" -gt 20 ]"
in_space gateway ip link set up0 down
wait_for 30 "the gateway to see up0 lose its link" said up0 "lost its link"
for flow in "${flows[@]}"; do wait "$flow" || fail "a flow ended when up0 lost its link"; done
for number in $(seq 16); do
    received=$(grep -o '[0-9]* received' "$work/flow$number.txt" | cut -d' ' -f1)
    [ "$received" -ge 100 ] || fail "flow $number lost $((150 - received)) of 150 packets"
done
ways | tee "$work/without.txt"
[ "$(awk '{ print $1, $2 }' "$work/without.txt")" = "32 up1" ] || fail "something still goes over up0"
control status | grep -q '^up0 *down ' || fail "the status says nothing of the lost link"

in_space gateway ip link set up1 down
wait_for 30 "the gateway to see up1 lose its link" said up1 "lost its link"
traced 5000 | tee "$work/trace.txt"
grep -q '^drop NO_ROUTE' "$work/trace.txt" || fail "without any link there is still a route"

in_space gateway ip link set up0 up
in_space gateway ip link set up1 up
in_space gateway ip route replace 192.0.2.8/29 "${back[@]}"
wait_for 30 "the gateway to see up0 again" said up0 "its link again"
wait_for 30 "the gateway to see up1 again" said up1 "its link again"
ways | diff "$work/before.txt" - || fail "flows do not go where they went before"
wait_for 60 "the client to ping the server again" pings 3
