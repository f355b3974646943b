// SPDX-License-Identifier: Apache-2.0
//
// Where an interface's frames come from: a port, tags or tunnels; and the further ports and VLANs of a segment
// with tunnels, whose frames the gateway switches between them all.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

using policy::Interface;

constexpr std::uint32_t smallest_ipv6_mtu = 1280;  // RFC 8200 §5
constexpr std::string_view all_ways[] = {"vlan", "qinq", "untagged", "vxlan", "geneve"};

bool has_tunnels(std::string_view key) {
    return key == "vxlan" || key == "geneve";
}

void read_tag(Context& context, const Object& attachment, std::string_view key, Interface& result) {
    const auto* node = attachment[key];
    if (node == nullptr) return;
    // IEEE 802.1Q: 0 is the priority tag, 4095 is reserved.
    const auto id = number_of(context, *node, "a VLAN id", 1, 4094);
    if (id) result.vids.push_back(static_cast<std::uint16_t>(*id));
}

const ObjectTable& table_of(std::string_view key) {
    if (key == "vlan") return keys::vlan;
    if (key == "qinq") return keys::qinq;
    if (key == "geneve") return keys::geneve;
    return key == "vxlan" ? keys::vxlan : keys::untagged;
}

/// SEGMENT@PORT.VID: what counters call an attachment. No zone has such a name.
std::string name_of(const Context& context, const Interface& segment, const Interface& attachment) {
    std::string name = fmt::format("{}@{}", segment.name, context.policy.ports[attachment.port].name);
    for (const std::uint16_t vid : attachment.vids) name += fmt::format(".{}", vid);
    return name;
}

void check_mtu(Context& context, const Object& object, const Interface& attachment, Span where,
               Interface& segment) {
    const auto& port = context.policy.ports[attachment.port];
    if (segment.mtu <= port.mtu) return;
    if (const auto* mtu = object["mtu"]) {
        context
            .report(Code::mtu_above_port, mtu->span,
                    fmt::format("the MTU {} is above that of the port \"{}\", {}", segment.mtu, port.name,
                                port.mtu))
            .note(where, "which the segment is on as well");
        return;
    }
    segment.mtu = port.mtu;
    const bool has_ipv6 = std::any_of(segment.addresses.begin(), segment.addresses.end(),
                                      [](const auto& own) { return own.subnet.family == Family::v6; });
    if (!has_ipv6 || segment.mtu >= smallest_ipv6_mtu) return;
    context.report(Code::mtu_above_port, where,
                   fmt::format("\"{}\" has an IPv6 address but an MTU of {}; IPv6 needs {}", segment.name,
                               segment.mtu, smallest_ipv6_mtu));
}

}  // namespace

void read_attachment(Context& context, const Object& object, std::string_view noun, bool may_tunnel,
                     Interface& result) {
    std::vector<std::string_view> given;
    for (const std::string_view key : all_ways) {
        if ((may_tunnel || !has_tunnels(key)) && object[key] != nullptr) given.push_back(key);
    }
    if (given.empty()) {
        if (object.has_later()) return;
        context.report(Code::conflicting_keys, object.owner(), fmt::format("{} needs an attachment", noun))
            .help(
                fmt::format("add one of vlan: {{port, id}}, qinq: {{port, outer, inner}}, untagged: {{port}}{}",
                            may_tunnel ? ", vxlan or geneve: {port, vni, remotes}" : ""));
        return;
    }
    if (given.size() > 1) {
        context
            .report(
                Code::conflicting_keys, object.key_span(given[1]),
                fmt::format("{} has one attachment: {} and {} exclude each other", noun, given[0], given[1]))
            .note(object.key_span(given[0]), "the first one");
    }
    const auto key = given.front();
    const Object attachment(context, *object[key], table_of(key), object.key_span(key));
    if (!attachment.is_map()) return;
    read_port(context, attachment, result);
    if (key == "vlan") read_tag(context, attachment, "id", result);
    if (key == "qinq") {
        read_tag(context, attachment, "outer", result);
        read_tag(context, attachment, "inner", result);
    }
    if (has_tunnels(key)) {
        read_tunnels(context, attachment,
                     key == "vxlan" ? policy::Encapsulation::vxlan : policy::Encapsulation::geneve, result);
    }
}

void read_bridge(Context& context, TenantScope& scope, const Object& object, Interface& segment) {
    const auto* bridge = object["bridge"];
    for (const std::string_view key : {"bridge", "unknown"}) {
        if (object[key] == nullptr || segment.encapsulation != policy::Encapsulation::none) continue;
        context
            .report(Code::conflicting_keys, object.key_span(key),
                    fmt::format("{} is for segments with tunnels", key))
            .help("between VLANs alone a switch does that");
        return;
    }
    if (const auto* unknown = object["unknown"]) {
        if (bridge == nullptr) {
            context
                .report(Code::conflicting_keys, object.key_span("unknown"),
                        "unknown is for segments that switch frames")
                .help("add bridge: [{vlan: {port, id}}]");
        }
        const auto word = word_of(context, *unknown, "unknown", {"flood", "drop"});
        segment.drops_unknown = word && *word == 1;
    }
    if (bridge == nullptr) return;
    const auto items = list_of(context, *bridge, "bridge");
    if (items.empty()) context.report(Code::empty_list, bridge->span, "a bridge needs at least one attachment");
    for (const auto* item : items) {
        const Object one(context, *item, keys::bridge, item->span);
        if (!one.is_map()) continue;
        Interface attachment;
        attachment.kind = policy::InterfaceKind::attachment;
        attachment.where = context.position(item->span);
        attachment.mac = segment.mac;
        read_attachment(context, one, "a bridge's entry", false, attachment);
        if (attachment.port == policy::no_index) continue;
        attachment.name = name_of(context, segment, attachment);
        attachment.mtu = context.policy.ports[attachment.port].mtu;
        attachment.segment = static_cast<std::uint16_t>(context.tenant(scope).interfaces.size());
        check_mtu(context, object, attachment, item->span, segment);
        scope.attachments.emplace_back(std::move(attachment), item->span);
    }
}

void add_attachments(Context& context, TenantScope& scope) {
    for (auto& [attachment, where] : scope.attachments) {
        scope.interface_spans.push_back(where);
        context.tenant(scope).interfaces.push_back(std::move(attachment));
    }
    scope.attachments.clear();
}

}  // namespace sluice::sema
