// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

constexpr std::uint32_t smallest_mtu = 68;   // RFC 791: every module must forward this much
constexpr std::uint32_t largest_mtu = 9216;  // a jumbo frame's
constexpr std::size_t most_ports = 4096;

void read_port(Context& context, const Node& name, const Node& value) {
    if (!is_name(context, name, "a port")) return;
    policy::Port port;
    port.name = name.text;
    port.where = context.position(name.span);
    // `{}` and nothing at all both mean: as usual.
    if (!value.is_null()) {
        const Object object(context, value, keys::port, name.span);
        if (const auto* node = object["mtu"]) {
            const auto mtu = number_of(context, *node, "a port's MTU", smallest_mtu, largest_mtu);
            port.mtu = static_cast<std::uint16_t>(mtu.value_or(largest_mtu));
        }
        read_tunnel_endpoint(context, object, port);
    }
    context.port_spans.push_back(name.span);
    context.ports.emplace(name.text, static_cast<std::uint16_t>(context.policy.ports.size()));
    context.policy.ports.push_back(std::move(port));
}

}  // namespace

void read_gateway(Context& context, const Object& gateway) {
    if (const auto* node = gateway["gateway"]) {
        if (is_name(context, *node, "a gateway")) context.policy.gateway = node->text;
    }
    if (const auto* node = gateway["mac"]) context.gateway_mac = mac_of(context, *node, "the gateway's MAC");
    if (const auto* node = gateway["ttl"]) {
        const auto word = word_of(context, *node, "ttl", {"per-router", "per-stage"});
        if (word) context.policy.ttl = static_cast<policy::TtlMode>(*word);
    }
    const auto* ports = gateway["ports"];
    if (ports == nullptr) return;
    const auto entries = entries_of(context, *ports, "ports");
    if (entries.size() > most_ports) {
        context.report(Code::too_many, gateway.key_span("ports"),
                       fmt::format("{} ports; a gateway has at most {}", entries.size(), most_ports));
        return;
    }
    if (ports->is_map() && entries.empty()) {
        context.report(Code::empty_list, ports->span, "a gateway needs at least one port");
    }
    for (const auto& [name, value] : entries) read_port(context, *name, *value);
}

}  // namespace sluice::sema
