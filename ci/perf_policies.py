# SPDX-License-Identifier: Apache-2.0
"""Policies of a given size, for what an image weighs and what it takes to compile one. Only what the language had from the
start, so that older revisions compile them too."""


def tenant(number, rules, routes):
    net = f"100.{64 + number // 256}.{number % 256}"
    lines = [
        f"tenant: t{number}",
        "segments:",
        f"  lan: {{vlan: {{port: access0, id: {2 + number}}}, gateway: 10.255.0.1/24}}",
        "uplinks:",
        f"  internet: {{vlan: {{port: uplink0, id: {2 + number}}}, address: {net}.10/24}}",
        "routes:",
        f"  - {{to: 0.0.0.0/0, via: {net}.1}}",
    ]
    for i in range(routes):
        lines.append(f"  - {{to: {20 + i // 65536}.{i // 256 % 256}.{i % 256}.0/24, via: {net}.{2 + i % 7}}}")
    lines += ["nat:", f"  - {{snat: 10.0.0.0/8, out: internet, to: {net}.64-{net}.79}}", "firewall:", "  rules:"]
    for i in range(rules):
        to = f"172.16.{i // 250 % 250}.{i % 250 + 1}"
        action = "drop" if i % 3 == 0 else "allow"
        lines.append(f"    - {{name: r{i}, from: lan, to: {to}, service: udp/{1000 + i % 5000}, action: {action}}}")
    lines.append("    - {name: outbound, from: lan, to: internet, action: allow}")
    return "\n".join(lines) + "\n"


def policy(tenants, rules, routes):
    names = [f"t{number}.yaml" for number in range(tenants)]
    texts = {name: tenant(number, rules, routes) for number, name in enumerate(names)}
    texts["gateway.yaml"] = ("gateway: weighed\nmac: 02:00:5e:00:01:01\nports: {access0: {}, uplink0: {}}\ntenants:\n" +
                             "".join(f"  - {name}\n" for name in names))
    return texts


def policies():
    return {
        "1-tenant-1000-rules": policy(1, 999, 0),
        "1-tenant-10000-routes": policy(1, 9, 10000),
        "100-tenants-10-rules": policy(100, 9, 10),
    }
