#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Stations behind the kernel's own VXLAN devices, on two hypervisors: to their router, to each other's segment through
# it, to a server through source NAT and the provider's router, and from outside through DNAT. Nothing is configured
# statically: the gateway finds hypervisors and stations by ARP and ND. The tunnels are over IPv4; with underlay=ipv6
# in the environment (overlay_ipv6.sh) over IPv6.
#
#   web11 (VNI 5001) ─ hypervisor1 ─┐                      ┌──── gateway ────┐
#   web12 (VNI 5001) ┐              ├ underlay (a bridge) ─┤overlay0  uplink0├─ server
#   db12  (VNI 5002) ┴ hypervisor2 ─┘                      └─────────────────┘
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "not root"
[ -x "$bin/sluiced" ] || skip "no sluiced in $bin"
if [ "${underlay:=ipv4}" = ipv6 ]; then
    subnet=2001:db8:51:: length=64 mtu=1620
    # The kernel checks UDP checksums over IPv6 and refuses packets without one, unless told otherwise (RFC 6936).
    no_checksum=udp6zerocsumrx
else
    subnet=198.51.100. length=24 mtu=1600 no_checksum=
fi
endpoint() { echo "$subnet$1"; }
cp -r "$here/overlay_policy" "$work/policy"
if [ "$underlay" = ipv6 ]; then
    sed -i -E 's|198\.51\.100\.([0-9]+)/24|"2001:db8:51::\1/64"|; s|198\.51\.100\.([0-9]+)|"2001:db8:51::\1"|g
        s|(overlay0: \{mtu: )1600|\11620|' "$work"/policy/*.yaml
    grep -q 'mtu: 1620, tunnel-endpoint: "2001:db8:51::10/64"' "$work/policy/gateway.yaml" || fail "the policy is not over IPv6"
fi

for name in gateway underlay hypervisor1 hypervisor2 web11 web12 db12 server; do
    add_space "$name"
    in_space "$name" ip link set lo up
done
in_space gateway sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
in_space underlay ip link add bridge type bridge 2>"$work/bridge" || skip "no bridge: $(<"$work/bridge")"
in_space underlay ip link set bridge mtu "$mtu" up
overlay_cable() {
    cable "$1" "$2" underlay "$1"
    in_space "$1" ip link set "$2" mtu "$mtu"
    in_space underlay ip link set "$1" mtu "$mtu" master bridge
}
overlay_cable gateway overlay0
for number in 1 2; do
    overlay_cable "hypervisor$number" eth0
    # shellcheck disable=SC2046 # a word more over IPv6
    in_space "hypervisor$number" ip addr add "$(endpoint "2$number")/$length" dev eth0 $([ "$underlay" = ipv4 ] || echo nodad)
done
cable gateway uplink0 server eth0
in_space gateway nft -f - <<'RULES'
table netdev quiet {
    chain overlay0 { type filter hook ingress device overlay0 priority 0; policy drop; }
    chain uplink0 { type filter hook ingress device uplink0 priority 0; policy drop; }
}
RULES

# station NAME HYPERVISOR VNI ADDRESS ROUTER: its only device is a VXLAN device whose tunnel starts at the hypervisor.
station() {
    # shellcheck disable=SC2086 # or no word
    in_space "$2" ip link add "$1" type vxlan id "$3" remote "$(endpoint 10)" dstport 4789 dev eth0 $no_checksum 2>"$work/vxlan" ||
        skip "no vxlan devices: $(<"$work/vxlan")"
    in_space "$2" ip link set "$1" netns "$(space "$1")"
    in_space "$1" ip link set "$1" mtu 1550 up
    in_space "$1" ip addr add "$4" dev "$1"
    in_space "$1" ip route add default via "$5"
}
station web11 hypervisor1 5001 10.1.1.11/24 10.1.1.1
station web12 hypervisor2 5001 10.1.1.12/24 10.1.1.1
station db12 hypervisor2 5002 10.1.2.12/24 10.1.2.1
in_space web11 ip addr add 2001:db8:b:1::11/64 dev web11 nodad
in_space server ip addr add 203.0.113.1/25 dev eth0
in_space server ip addr add "$server/32" dev lo

"$bin/sluicec" build "$work/policy" -o "$work/live.img" >"$work/sluicec.log" 2>&1
cat >"$work/host.yaml" <<HOST
cores: [0]
memory: {hugepages: off}
ports:
  overlay0: {vdev: "net_af_packet0,iface=overlay0,framecnt=4096,blocksz=65536"}
  uplink0: {vdev: "net_af_packet1,iface=uplink0,framecnt=4096,blocksz=65536"}
control: {socket: $work/control.sock}
HOST
ip netns exec "$(space gateway)" "$bin/sluiced" --host "$work/host.yaml" "$work/live.img" >"$work/sluiced.log" 2>&1 &
gateway_pid=$!
wait_for 60 "the gateway" gateway_answers

# pings FROM TO...: none lost, once the first one went through.
pings() {
    local from=$1 to
    shift
    for to in "$@"; do
        wait_for 60 "$from to ping $to" in_space "$from" ping -n -c 1 -W 2 "$to"
        in_space "$from" ping -n -q -c 20 -i 0.05 -W 10 "$to" | tee "$work/ping.txt"
        grep -q ' 20 received' "$work/ping.txt" || fail "$from lost pings to $to"
    done
}
pings web11 10.1.1.1 10.1.2.12 "$server" 2001:db8:b:1::1
pings web12 10.1.1.1 10.1.2.12 "$server"
pings db12 10.1.1.11 10.1.1.12 "$server"
pings hypervisor1 "$(endpoint 10)"
in_space web11 ping -n -q -c 3 -i 0.05 -W 10 -s 1522 -M "do" 10.1.2.12 || fail "a packet of 1,550 bytes does not fit"

in_space web11 traceroute -n -q 1 -w 20 -m 8 "$server" | tee "$work/route.txt"
awk 'NR > 1 { print $2 }' "$work/route.txt" >"$work/hops.txt"
printf '%s\n' 10.1.1.1 169.254.1.2 100.64.0.0 169.254.0.2 "$server" | diff - "$work/hops.txt" || fail "unexpected hops"

serve_http server SERVERSE
serve_http web11 STATIONS
sum_of() { in_space "$1" curl -sf -m 120 "$2" | sha256sum; }
[ "$(sum_of web12 "http://$server/20000000")" = "$(sum_of server "http://127.0.0.1/20000000")" ] || fail "what web12 fetched is not what the server has"
[ "$(sum_of server "http://203.0.113.11:8080/20000000")" = "$(sum_of web11 "http://127.0.0.1/20000000")" ] || fail "what the server fetched is not what web11 has"
[ "$(sum_of db12 "http://10.1.1.11/20000000")" = "$(sum_of web11 "http://127.0.0.1/20000000")" ] || fail "what db12 fetched is not what web11 has"
# The word of who knows better goes before what the station's frames told, from the next packet on.
web11_mac=$(in_space web11 cat /sys/class/net/web11/address)
control station set blue/web "$web11_mac" "$(endpoint 22)"
in_space db12 ping -n -q -c 1 -W 1 10.1.1.11 && fail "web11 is reached behind a hypervisor that it is not on"
control station list | tee "$work/stations.txt"
grep -q "^blue/web  $web11_mac  $(endpoint 22)  command" "$work/stations.txt" || fail "the station list does not say what was set"
control station set blue/web "$web11_mac" "$(endpoint 21)"
pings db12 10.1.1.11
control station del blue/web "$web11_mac"
pings db12 10.1.1.11
control trace --on provider/internet --packet "tcp $server:4000 > 203.0.113.11:8080" | tee "$work/trace.txt"
grep -q '^  blue.sr .* rule published, blue.yaml:' "$work/trace.txt" || fail "the trace does not say which rule lets it in"
grep -q '^  overlay0 .* sent' "$work/trace.txt" || fail "the trace does not end on the overlay"
control stats --json >"$work/stats.json"
control drops
