#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 100 MB each way a NAT can be crossed, both tenants at once: out through SNAT and in through DNAT; hashes must agree.
# shellcheck source=tests/live/lib.sh
source "$(dirname "$0")/lib.sh"
start_gateway
size=100000000
for tenant in blue red; do
    serve_http "$(server_of $tenant)" "server-$tenant"
    serve_http "$(client_of $tenant)" "client-$tenant"
    reach $tenant
done
fetch() { # fetch SPACE URL MARK NAME
    local got
    got=$(in_space "$1" curl -sS -m 300 "$2" -w '%{stderr}%{speed_download} bytes/s\n' 2>"$work/$4.speed" | sha256sum | cut -d' ' -f1)
    [ "$got" = "$("$here/server.py" hash "$3" $size)" ] || return 1
    echo "$4: $(<"$work/$4.speed"), hash right"
}
transfers=()
for tenant in blue red; do
    fetch "$(client_of $tenant)" "http://$server/$size" "server-$tenant" "$tenant through SNAT" &
    transfers+=($!)
done
for transfer in "${transfers[@]}"; do wait "$transfer" || fail "a transfer through SNAT"; done
transfers=()
for tenant in blue red; do
    fetch "$(server_of $tenant)" "http://${external[$tenant]}:8080/$size" "client-$tenant" "$tenant through DNAT" &
    transfers+=($!)
done
for transfer in "${transfers[@]}"; do wait "$transfer" || fail "a transfer through DNAT"; done
