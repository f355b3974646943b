// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/tables.h"

#include <nlohmann/json.hpp>

#include "runtime/show/names.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

std::string interface_name(const Image& image, InterfaceRef interface) {
    const TenantView& tenant = image.tenants()[interface.tenant];
    return std::string(tenant.name) + "/" + std::string(tenant.name_of_interface(interface.interface));
}

double seconds_since(Time then, Time now) {
    constexpr Time nanoseconds_per_millisecond = 1'000'000;
    const Time milliseconds = now <= then ? 0 : (now - then) / nanoseconds_per_millisecond;
    return static_cast<double>(milliseconds) / 1000.0;
}

Json tuple_json(const Tuple& tuple) {
    Json json;
    json["source"] = to_string(tuple.source, tuple.family);
    json["source_port"] = tuple.source_port;
    json["destination"] = to_string(tuple.destination, tuple.family);
    json["destination_port"] = tuple.destination_port;
    return json;
}

std::string rule_name(const TenantView& tenant, std::uint32_t rule) {
    return rule < tenant.rule_slots() ? std::string(tenant.name_of_rule(rule)) : "default";
}

}  // namespace

Json sessions_json(const Image& image, std::span<const Session> sessions, Time now) {
    constexpr std::uint8_t tcp = 6;
    Json rows = Json::array();
    for (const Session& session : sessions) {
        const TenantView& tenant = image.tenants()[session.tuple[0].scope];
        const std::uint8_t protocol = session.tuple[0].protocol;
        Json row;
        row["tenant"] = tenant.name;
        row["protocol"] = protocol_name(protocol);
        row["forward"] = tuple_json(session.tuple[0]);
        row["reverse"] = tuple_json(session.tuple[1]);
        row["state"] = protocol == tcp ? name_of(session.tcp.state) : "active";
        row["age_seconds"] = seconds_since(session.created, now);
        row["idle_seconds"] = seconds_since(session.last_seen, now);
        row["packets"] = {session.packets[0], session.packets[1]};
        row["bytes"] = {session.bytes[0], session.bytes[1]};
        row["rule"] = rule_name(tenant, session.rule);
        rows.push_back(std::move(row));
    }
    return rows;
}

Json neighbours_json(const Image& image, std::span<const Neighbour> neighbours, Time now) {
    Json rows = Json::array();
    for (const Neighbour& neighbour : neighbours) {
        Json row;
        row["interface"] = interface_name(image, neighbour.interface);
        row["ip"] = to_string(neighbour.ip, neighbour.family);
        row["mac"] = neighbour.mac == Mac{} ? "" : to_string(neighbour.mac);
        row["state"] = name_of(neighbour.state);
        row["age_seconds"] = seconds_since(neighbour.changed, now);
        row["held"] = neighbour.held_count;
        rows.push_back(std::move(row));
    }
    return rows;
}

Json flows_json(const Image& image, std::span<const FlowSummary> flows, Time now) {
    Json rows = Json::array();
    for (const FlowSummary& flow : flows) {
        Tuple becomes = flow.tuple;
        becomes.source = flow.new_source;
        becomes.destination = flow.new_destination;
        becomes.source_port = flow.new_source_port;
        becomes.destination_port = flow.new_destination_port;
        Json row;
        row["ingress"] = interface_name(image, flow.ingress);
        row["egress"] = interface_name(image, flow.egress);
        row["protocol"] = protocol_name(flow.tuple.protocol);
        row["packet"] = tuple_json(flow.tuple);
        row["becomes"] = tuple_json(becomes);
        row["packets"] = flow.packets;
        row["bytes"] = flow.bytes;
        row["idle_seconds"] = seconds_since(flow.last_seen, now);
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace sluice
