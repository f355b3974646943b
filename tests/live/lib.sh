# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The live tests' network: for each of two tenants a client and a server, each in a namespace of its own, with the
# same addresses for both tenants; between them sluiced on two veth devices. A script sources this, calls
# `start_gateway`, and checks. Whatever happens, `cleanup` ends what was started and removes what was made.
#
#   client blue ─┐          ┌──── gateway ────┐          ┌─ server blue
#                ├ switch a ┤access0   uplink0├ switch u ┤
#   client red ──┘          └─────────────────┘          └─ server red
#
# Addresses: clients 10.1.1.10 behind 10.1.1.1; servers 198.18.0.9 behind 203.0.113.1 (blue) and .129 (red).
# Skipped (status 77) where namespaces, veth or the bpf classifier are not to be had.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(realpath -m "${SLUICE_BIN:-$here/../../build/bin}") # sluicec, sluiced and sluicectl
run=sluice$$
work=$(mktemp -d "${TMPDIR:-/tmp}/$run-XXXXXX")
declare -A vid=([blue]=110 [red]=210) uplink_vid=([blue]=901 [red]=902)
declare -A inside6=([blue]=2001:db8:b:1 [red]=2001:db8:c:1) uplink6=([blue]=2001:db8:ffff [red]=2001:db8:fffe)
# shellcheck disable=SC2034 # the scripts use these
declare -A external=([blue]=203.0.113.10 [red]=203.0.113.138) router=([blue]=203.0.113.1 [red]=203.0.113.129)
# shellcheck disable=SC2034
server=198.18.0.9 server6=2001:db8:9::9 client=10.1.1.10
pids=() spaces=()
gateway_pid=
hugepages=off
gateway_wrapper=() # a command that runs the gateway
host_file_more= # lines that a script adds to the host file
control_more=   # and to its control: {...}
undo() { :; } # a script that changes more than this one redefines it: called once everything has ended

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local deadline=$((SECONDS + $1)) what=$2 pause=0.1
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || fail "waited in vain for $what: $*"
        sleep "$pause"
    done
}

space() { echo "$run-$1"; }
in_space() { local name=$1; shift; ip netns exec "$(space "$name")" "$@"; }
client_of() { echo "client-$1"; }
server_of() { echo "server-$1"; }

# background SPACE COMMAND...: ends with the test.
background() {
    local name=$1
    shift
    ip netns exec "$(space "$name")" "$@" >>"$work/$name.log" 2>&1 &
    pids+=($!)
}

cleanup() {
    local status=$? pid name
    trap - EXIT
    for pid in "${pids[@]}" $gateway_pid; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}" $gateway_pid; do wait "$pid" 2>/dev/null || true; done
    undo
    for name in "${spaces[@]}"; do ip netns del "$name" 2>/dev/null || true; done
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        for name in "$work"/*.log; do
            [ -s "$name" ] && { echo "--- ${name##*/}"; tail -n 40 "$name"; }
        done
    fi
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

add_space() {
    ip netns add "$(space "$1")" 2>"$work/netns" || skip "no network namespace: $(<"$work/netns")"
    spaces+=("$(space "$1")")
}

# cable SPACE DEVICE SPACE DEVICE: offloads off on both ends, else frames carry half-made checksums.
cable() {
    ip link add "$2" netns "$(space "$1")" type veth peer name "$4" netns "$(space "$3")" || skip "no veth devices"
    while [ $# -gt 0 ]; do
        in_space "$1" ethtool -K "$2" tx off rx off tso off gso off gro off txvlan off rxvlan off >/dev/null
        in_space "$1" ip link set "$2" up
        shift 2
    done
}

index_of() { in_space "$1" cat "/sys/class/net/$2/ifindex"; }

# vlan_switch SPACE VID VID: its devices are blue, red and trunk.
vlan_switch() {
    local name=$1 device
    clang -O2 -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -DVID_1="$2" -DVID_2="$3" -DSTATION_1="$(index_of "$name" blue)" \
        -DSTATION_2="$(index_of "$name" red)" -DTRUNK="$(index_of "$name" trunk)" -c "$here/switch.c" -o "$work/$name.o"
    for device in blue red trunk; do
        in_space "$name" tc qdisc add dev "$device" clsact
    done
    for device in blue red; do
        in_space "$name" tc filter add dev "$device" ingress bpf da obj "$work/$name.o" sec from_station 2>"$work/bpf" ||
            skip "no bpf classifier: $(tail -n 1 "$work/bpf")"
    done
    in_space "$name" tc filter add dev trunk ingress bpf da obj "$work/$name.o" sec from_trunk
}

build_network() {
    local name tenant
    for name in gateway switch-a switch-u; do
        add_space "$name"
        # Before the devices exist, so that the kernel never sends a router solicitation of its own.
        in_space "$name" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
    done
    for tenant in blue red; do
        add_space "$(client_of "$tenant")"
        add_space "$(server_of "$tenant")"
        cable "$(client_of "$tenant")" eth0 switch-a "$tenant"
        cable "$(server_of "$tenant")" eth0 switch-u "$tenant"
    done
    cable gateway access0 switch-a trunk
    cable gateway uplink0 switch-u trunk
    # The kernel beside the gateway keeps quiet: AF_PACKET sees each frame before this drops it.
    in_space gateway nft -f - <<'RULES'
table netdev quiet {
    chain access0 { type filter hook ingress device access0 priority 0; policy drop; }
    chain uplink0 { type filter hook ingress device uplink0 priority 0; policy drop; }
}
RULES
    vlan_switch switch-a "${vid[blue]}" "${vid[red]}"
    vlan_switch switch-u "${uplink_vid[blue]}" "${uplink_vid[red]}"
    for tenant in blue red; do
        add_addresses "$tenant"
    done
}

add_addresses() {
    local tenant=$1 at
    at=$(client_of "$1")
    in_space "$at" ip link set lo up
    in_space "$at" ip addr add "$client/24" dev eth0
    in_space "$at" ip addr add "${inside6[$tenant]}::10/64" dev eth0 nodad
    in_space "$at" ip route add default via 10.1.1.1
    in_space "$at" ip -6 route add default via "${inside6[$tenant]}::1"
    at=$(server_of "$tenant")
    in_space "$at" ip link set lo up
    in_space "$at" ip addr add "$server/32" dev lo
    in_space "$at" ip addr add "$server6/128" dev lo nodad
    in_space "$at" ip addr add "${router[$tenant]}/25" dev eth0
    in_space "$at" ip addr add "${uplink6[$tenant]}::1/64" dev eth0 nodad
    in_space "$at" ip -6 route add "${inside6[$tenant]}::/64" via "${uplink6[$tenant]}::10"
}

start_gateway() {
    [ "$(id -u)" -eq 0 ] || skip "not root"
    [ -x "$bin/sluiced" ] || skip "no sluiced in $bin"
    build_network
    "$bin/sluicec" build "$here/policy" -o "$work/live.img" >"$work/sluicec.log" 2>&1
    cat >"$work/host.yaml" <<HOST
cores: [0]
memory: {hugepages: $hugepages}
ports:
  access0: {vdev: "net_af_packet0,iface=access0,framecnt=4096,blocksz=65536"}
  uplink0: {vdev: "net_af_packet1,iface=uplink0,framecnt=4096,blocksz=65536"}
control: {socket: $work/control.sock$control_more}
$host_file_more
HOST
    ip netns exec "$(space gateway)" "${gateway_wrapper[@]}" "$bin/sluiced" --host "$work/host.yaml" "$work/live.img" >"$work/sluiced.log" 2>&1 &
    gateway_pid=$!
    wait_for 60 "the gateway" gateway_answers
}
gateway_answers() {
    kill -0 "$gateway_pid" 2>/dev/null || fail "sluiced ended at once"
    control status
}
control() { "$bin/sluicectl" --socket "$work/control.sock" "$@"; }

# serve_http SPACE MARK, serve_dns SPACE MARK
serve_http() {
    background "$1" "$here/server.py" http 80 "$2"
    wait_for 30 "the web server in $1" in_space "$1" curl -sf -m 2 "http://127.0.0.1/0"
}
serve_dns() {
    background "$1" "$here/server.py" dns "$2" "$server" "$server6"
    wait_for 30 "the name server in $1" in_space "$1" dig +time=1 +tries=1 "@$server6" txt ready.test
}

# Once the first packet went through, neighbours are resolved.
reach() { wait_for 60 "$1 to reach its server" in_space "$(client_of "$1")" ping -n -c 1 -W 2 "$server"; }
