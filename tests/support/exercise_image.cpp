// SPDX-License-Identifier: Apache-2.0
#include "tests/support/exercise_image.h"

#include <stdexcept>
#include <string>

#include "runtime/stages/deciding_rule.h"
#include "schemas/layout/image_types.h"

namespace sluice::test {
namespace {

template <typename Row>
const Row& at(std::span<const Row> rows, std::uint64_t index, const char* what) {
    if (index >= rows.size()) throw std::logic_error(std::string(what) + " " + std::to_string(index));
    return rows[index];
}

template <typename Row>
std::span<const Row> part(std::span<const Row> rows, std::uint64_t first, std::uint64_t count,
                          const char* what) {
    if (first > rows.size() || count > rows.size() - first) throw std::logic_error(what);
    return rows.subspan(first, count);
}

void follow_adjacency(const TenantView& tenant, std::uint32_t index, bool in_group) {
    const image::Adjacency& row = at(tenant.adjacencies, index, "adjacency");
    switch (row.kind()) {
        case image::AdjacencyKind::NoRoute:
        case image::AdjacencyKind::Blackhole:
            return;
        case image::AdjacencyKind::Ecmp:
            if (in_group || row.member_count() == 0) throw std::logic_error("a group of groups, or of nothing");
            for (const auto member :
                 part(tenant.ecmp_members, row.first_member(), row.member_count(), "group")) {
                follow_adjacency(tenant, member, true);
            }
            return;
        case image::AdjacencyKind::Local:
        case image::AdjacencyKind::Connected:
        case image::AdjacencyKind::Gateway:
        case image::AdjacencyKind::DirectedBroadcast:
        case image::AdjacencyKind::SubnetRouterAnycast:
        case image::AdjacencyKind::Peer:
            at(tenant.interfaces, row.interface(), "interface");
            return;
    }
    throw std::logic_error("an adjacency of no kind");
}

void look_up(const TenantView& tenant, Ip ip) {
    for (const Family family : {Family::v4, Family::v6}) {
        const Ip address = ip & prefix_mask(address_bits(family));
        follow_adjacency(tenant, tenant.route(address, family), false);
        if (tenant.address_class(address, family) >= tenant.address_class_count)
            throw std::logic_error("class");
    }
}

void look_up_everything(const TenantView& tenant) {
    std::uint64_t state = 1;
    const auto next = [&] { return state = state * 6364136223846793005ULL + 1442695040888963407ULL; };
    for (int i = 0; i < 64; ++i) look_up(tenant, {next(), next()});
    for (unsigned bit = 0; bit <= 128; ++bit) {
        look_up(tenant, prefix_mask(bit));
        look_up(tenant, ~prefix_mask(bit));
    }
    for (const auto& row : tenant.addresses) look_up(tenant, from_image(row.ip()));
    for (const auto& row : tenant.adjacencies) look_up(tenant, from_image(row.next_hop()));
}

void follow_nat(const TenantView& tenant) {
    for (const auto& rule : tenant.snat_rules) {
        part(tenant.prefixes, rule.first_source(), rule.source_count(), "sources");
        for (const auto i :
             part(tenant.pool_addresses, rule.first_pool_address(), rule.pool_address_count(), "pool")) {
            at(tenant.externals, i, "external");
        }
        at(tenant.interfaces, rule.out_interface(), "interface");
    }
    for (const auto& row : tenant.externals) {
        at(tenant.interfaces, row.on_interface(), "interface");
        for (const auto& rule : part(tenant.dnat_rules, row.first_dnat(), row.dnat_count(), "DNAT rules")) {
            look_up(tenant, from_image(rule.to()));
        }
        if (row.one_to_one() != no_row) at(tenant.one_to_one_rules, row.one_to_one(), "one-to-one rule");
    }
}

void follow_rules(const TenantView& tenant) {
    const std::vector<std::string_view> names = tenant.rule_names.all();
    for (std::size_t i = 0; i < tenant.rules.size(); ++i) {
        at(std::span<const std::string_view>(names), i, "rule name");
    }
    if (tenant.rules.empty()) return;
    std::uint64_t state = 1;
    const auto next = [&](std::uint64_t end) { return (state = state * 6364136223846793005ULL + 1) % end; };
    for (int i = 0; i < 64; ++i) {
        const auto interfaces = tenant.interfaces.size();
        const Family family = next(2) == 0 ? Family::v4 : Family::v6;
        const std::uint32_t rule = deciding_rule(
            tenant,
            question_of(tenant, {.source = Ip{next(~0ULL), next(~0ULL)} & prefix_mask(address_bits(family)),
                                 .destination = Ip{next(~0ULL), 0},
                                 .family = family,
                                 .protocol = static_cast<std::uint8_t>(next(256)),
                                 .asked_port = static_cast<std::uint16_t>(next(65536)),
                                 .real_port = static_cast<std::uint16_t>(next(65536)),
                                 .in_interface = static_cast<std::uint16_t>(next(interfaces)),
                                 .out_interface = static_cast<std::uint16_t>(next(interfaces))}));
        if (rule != classifier_no_rule) at(tenant.rules, rule, "rule");
    }
}

void follow_interfaces(const Image& image, const TenantView& tenant) {
    for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
        const image::Interface& row = tenant.interfaces[i];
        part(tenant.addresses, row.first_address(), row.address_count(), "addresses");
        if (row.kind() == image::InterfaceKind::Peer) {
            at(at(image.tenants(), row.peer_tenant(), "tenant").interfaces, row.peer_interface(), "interface");
            continue;
        }
        at(image.port_names(), row.port(), "port");
        const std::uint16_t outer = row.tag_count() >= 1 ? row.outer_vid() : 0xffff;
        const std::uint16_t inner = row.tag_count() == 2 ? row.inner_vid() : 0xffff;
        const bool tunnelled = row.encapsulation() != image::Encapsulation::None;
        for (const auto& remote : part(tenant.remotes, row.first_remote(), row.remote_count(), "remotes")) {
            if (from_image(remote) == Ip{}) throw std::logic_error("a remote without an address");
        }
        if (tunnelled) {
            const std::uint16_t underlay = at(image.underlays(), row.port(), "underlay");
            if (!at(image.tenants(), underlay, "tenant").tunnel_endpoint(outer_family(row))) {
                throw std::logic_error("tunnels that end nowhere here");
            }
        }
        const image::Binding* binding = tunnelled
                                            ? image.find_binding(tunnel_binding_key(row.port(), row.vni()))
                                            : image.find_binding(row.port(), outer, inner);
        if (binding == nullptr || binding->tenant() != tenant.index || binding->interface() != i) {
            throw std::logic_error("an interface that no frame enters");
        }
    }
}

}  // namespace

void exercise(const Image& image) {
    for (const TenantView& tenant : image.tenants()) {
        follow_interfaces(image, tenant);
        look_up_everything(tenant);
        follow_nat(tenant);
        follow_rules(tenant);
    }
}

}  // namespace sluice::test
