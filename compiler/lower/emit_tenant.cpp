// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "compiler/lower/action.h"
#include "compiler/lower/aligned_vector.h"
#include "compiler/lower/emit.h"

namespace sluice::lower {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

const char* word_of(policy::Expectation expectation) {
    switch (expectation) {
        case policy::Expectation::allow:
            return "allow";
        case policy::Expectation::drop:
            return "drop";
        case policy::Expectation::reject:
            break;
    }
    return "reject";
}

Offset<flatbuffers::Vector<Offset<image::Assertion>>> emit_assertions(FlatBufferBuilder& builder,
                                                                      const policy::Tenant& tenant) {
    const auto text = [&](const std::optional<std::string>& value) {
        return value ? builder.CreateString(*value) : Offset<flatbuffers::String>{};
    };
    std::vector<Offset<image::Assertion>> rows;
    for (const policy::Assertion& assertion : tenant.assertions) {
        const auto name = builder.CreateString(assertion.name);
        const auto packet = builder.CreateString(assertion.packet);
        const auto on = builder.CreateString(tenant.interfaces[assertion.on].name);
        const auto expect = builder.CreateString(word_of(assertion.expect));
        const auto rule = text(assertion.rule);
        const auto becomes = text(assertion.becomes);
        rows.push_back(
            image::CreateAssertion(builder, name, packet, on, expect, rule, becomes, assertion.where.line));
    }
    return builder.CreateVector(rows);
}

const image::TableDigest* pointer_to(const std::optional<image::TableDigest>& digest) {
    return digest ? &*digest : nullptr;
}

std::optional<image::IdleTimes> to_image(const policy::IdleTimes& times) {
    const std::optional<std::uint32_t> all[] = {
        times.udp,         times.dns,  times.icmp, times.tcp_opening, times.tcp_established,
        times.tcp_closing, times.other};
    if (std::ranges::none_of(all, [](const auto& time) { return time.has_value(); })) return std::nullopt;
    const auto seconds = [](const std::optional<std::uint32_t>& time) { return time.value_or(0); };
    return image::IdleTimes(seconds(times.udp), seconds(times.dns), seconds(times.icmp),
                            seconds(times.tcp_opening), seconds(times.tcp_established),
                            seconds(times.tcp_closing), seconds(times.other));
}

template <typename... Vectors>
std::size_t bytes_of(const Vectors&... vectors) {
    return ((vectors.size() * sizeof(vectors[0])) + ...);
}

// FlatBuffers only asserts its 2 GiB, in debug builds; strings and padding are allowed for with the margin.
void check_size(const policy::Tenant& tenant, const TenantTables& t) {
    constexpr std::size_t margin = 64ULL << 20;
    const std::size_t bytes = bytes_of(
        t.interfaces, t.addresses, t.proxied, t.neighbours, t.stations, t.remotes, t.own_routes4.root,
        t.own_routes4.records, t.own_routes6.root, t.own_routes6.records, t.routes4.root, t.routes4.records,
        t.routes6.root, t.routes6.records, t.adjacencies, t.ecmp_members, t.prefixes, t.externals,
        t.pool_addresses, t.snat_rules, t.dnat_rules, t.one_to_one_rules, t.nat4.root, t.nat4.records,
        t.nat6.root, t.nat6.records, t.nat_classes4, t.nat_classes6, t.dnat_ports, t.source_matches,
        t.exemptions, t.nat64_prefixes, t.sets4.lpm.root, t.sets4.lpm.records, t.sets4.comb.slots,
        t.classifier.comb.slots, t.sets6.root, t.sets6.records, t.classifier.nodes, t.classifier.rows,
        t.from_zones, t.to_zones, t.service_cells, t.rules);
    if (bytes + margin > longest_image_bytes) {
        throw std::length_error("tenant \"" + tenant.name + "\" needs " + std::to_string(bytes) +
                                " bytes of tables; an image holds less than 2 GiB");
    }
}

}  // namespace

std::vector<std::uint8_t> emit_tenant(const policy::Tenant& tenant, const TenantTables& tables,
                                      TableStore& store) {
    check_size(tenant, tables);
    const TenantDigests digests = emit_tables(tenant, tables, store);
    FlatBufferBuilder builder;
    const auto name = builder.CreateString(tenant.name);
    const auto file = builder.CreateString(tenant.file);
    const auto interface_names = name_strings(builder, tenant.interfaces);
    const auto assertions = emit_assertions(builder, tenant);

    const auto interfaces = aligned_structs(builder, tables.interfaces);
    const auto addresses = aligned_structs(builder, tables.addresses);
    const auto proxied = aligned_structs(builder, tables.proxied);
    const auto neighbours = aligned_structs(builder, tables.neighbours);
    const auto stations = aligned_structs(builder, tables.stations);
    const auto remotes = aligned_structs(builder, tables.remotes);
    const auto adjacencies = aligned_structs(builder, tables.adjacencies);
    const auto ecmp_members = aligned_scalars(builder, tables.ecmp_members);
    const auto prefixes = aligned_structs(builder, tables.prefixes);
    const auto externals = aligned_structs(builder, tables.externals);
    const auto pool_addresses = aligned_scalars(builder, tables.pool_addresses);
    const auto snat_rules = aligned_structs(builder, tables.snat_rules);
    const auto dnat_rules = aligned_structs(builder, tables.dnat_rules);
    const auto one_to_one_rules = aligned_structs(builder, tables.one_to_one_rules);
    const auto exemptions = aligned_structs(builder, tables.exemptions);
    const auto nat64_prefixes = aligned_structs(builder, tables.nat64_prefixes);
    const auto nat_classes4 = aligned_structs(builder, tables.nat_classes4);
    const auto nat_classes6 = aligned_structs(builder, tables.nat_classes6);
    const auto dnat_ports = aligned_structs(builder, tables.dnat_ports);
    const auto source_matches = aligned_structs(builder, tables.source_matches);
    const auto from_zones = aligned_scalars(builder, tables.from_zones);
    const auto to_zones = aligned_scalars(builder, tables.to_zones);

    const policy::Firewall no_firewall;  // what an absent one means: drop from outside, allow the rest
    const policy::Firewall& firewall = tenant.firewall ? *tenant.firewall : no_firewall;
    const auto idle_times = to_image(tenant.idle_times);
    image::TenantBuilder row(builder);
    row.add_name(name);
    row.add_file(file);
    row.add_has_service_router(tenant.has_service_router());
    row.add_has_firewall(tenant.firewall.has_value());
    row.add_ttl_per_stage(tables.ttl_per_stage);
    row.add_default_action(to_image(firewall.otherwise));
    row.add_default_action_from_uplink(to_image(firewall.from_uplink));
    row.add_keeps_denied_sessions(firewall.keeps_denied_sessions);
    row.add_drops_implausible(firewall.drops_implausible);
    row.add_most_sessions(tenant.most_sessions.value_or(0));
    row.add_new_sessions_a_second(tenant.new_sessions_a_second.value_or(0));
    row.add_packets_a_second(tenant.packets_a_second.value_or(0));
    row.add_slow_path_a_second(tenant.slow_path_a_second.value_or(0));
    row.add_most_host_sessions(tenant.most_host_sessions.value_or(0));
    row.add_new_host_sessions_a_second(tenant.new_host_sessions_a_second.value_or(0));
    row.add_most_host_half_open(tenant.most_host_half_open.value_or(0));
    if (idle_times) row.add_idle_times(&*idle_times);
    row.add_interface_names(interface_names);
    row.add_interfaces(interfaces);
    row.add_addresses(addresses);
    row.add_proxied(proxied);
    row.add_neighbours(neighbours);
    row.add_stations(stations);
    row.add_remotes(remotes);
    row.add_own_routes4(pointer_to(digests.own_routes4));
    row.add_own_routes6(pointer_to(digests.own_routes6));
    row.add_routes4(pointer_to(digests.routes4));
    row.add_routes6(pointer_to(digests.routes6));
    row.add_adjacencies(adjacencies);
    row.add_ecmp_members(ecmp_members);
    row.add_prefixes(prefixes);
    row.add_externals(externals);
    row.add_pool_addresses(pool_addresses);
    row.add_snat_rules(snat_rules);
    row.add_dnat_rules(dnat_rules);
    row.add_one_to_one_rules(one_to_one_rules);
    row.add_exemptions(exemptions);
    row.add_nat64_prefixes(nat64_prefixes);
    row.add_nat4(pointer_to(digests.nat4));
    row.add_nat6(pointer_to(digests.nat6));
    row.add_nat_classes4(nat_classes4);
    row.add_nat_classes6(nat_classes6);
    row.add_dnat_ports(dnat_ports);
    row.add_source_matches(source_matches);
    row.add_sets4(pointer_to(digests.sets4));
    row.add_sets4_walk(pointer_to(digests.sets4_walk));
    row.add_sets6(pointer_to(digests.sets6));
    row.add_address_class_count(tables.address_class_count);
    row.add_classifier(pointer_to(digests.classifier));
    row.add_classifier_walk(pointer_to(digests.classifier_walk));
    row.add_from_zones(from_zones);
    row.add_to_zones(to_zones);
    row.add_services(pointer_to(digests.services));
    row.add_rules(pointer_to(digests.rules));
    row.add_assertions(assertions);
    builder.Finish(row.Finish());
    return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

}  // namespace sluice::lower
