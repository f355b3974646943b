// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/tenant_view.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "runtime/image/shared_tables.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

ClassifierView classifier_of(const image::Classifier* table) {
    if (table == nullptr) return {};
    return {scalars_of(table->nodes()).data(), rows_of(table->rows()).data(), table->root(), {}};
}

CombView view_comb(const image::Comb* table) {
    if (table == nullptr) return {};
    const auto steps = rows_of(table->steps());
    return {scalars_of(table->slots()).data(), steps.data(), static_cast<std::uint32_t>(steps.size())};
}

SharedTables tables_of(const image::Image& root, const image::Tenant& t) {
    SharedTables tables;
    tables.own_routes4 = shared_content<image::Lpm>(root, t.own_routes4());
    tables.own_routes6 = shared_content<image::Lpm>(root, t.own_routes6());
    tables.routes4 = shared_content<image::Lpm>(root, t.routes4());
    tables.routes6 = shared_content<image::Lpm>(root, t.routes6());
    tables.nat4 = shared_content<image::Lpm>(root, t.nat4());
    tables.nat6 = shared_content<image::Lpm>(root, t.nat6());
    tables.sets4 = shared_content<image::Lpm>(root, t.sets4());
    tables.sets4_walk = shared_content<image::Comb>(root, t.sets4_walk());
    tables.sets6 = shared_content<image::Lpm>(root, t.sets6());
    tables.classifier = shared_content<image::Classifier>(root, t.classifier());
    tables.classifier_walk = shared_content<image::Comb>(root, t.classifier_walk());
    tables.services = shared_content<image::ServiceMap>(root, t.services());
    tables.rules = shared_content<image::RuleList>(root, t.rules());
    return tables;
}

}  // namespace

std::vector<std::string_view> NameList::all() const {
    std::vector<std::string_view> result;
    result.reserve(size());
    for (std::size_t i = 0; i < size(); ++i) result.push_back((*this)[i]);
    return result;
}

bool TenantView::has_remote(std::uint16_t position, const IpAndFamily& remote) const noexcept {
    if (outer_family(interfaces[position]) != remote.family) return false;
    const auto rows = remotes_of(position);
    const auto at = std::lower_bound(rows.begin(), rows.end(), remote.ip,
                                     [](const image::Ip& row, Ip wanted) { return from_image(row) < wanted; });
    return at != rows.end() && from_image(*at) == remote.ip;
}

std::pair<std::uint16_t, std::uint16_t> TenantView::attachments_of(std::uint16_t position) const noexcept {
    const auto rows = interfaces.subspan(first_attachment);
    const auto place = [&](std::uint32_t segment) {  // of the first that belongs to this one or a later one
        const auto at = std::lower_bound(rows.begin(), rows.end(), segment, [](const auto& row, auto wanted) {
            return row.peer_interface() < wanted;
        });
        return static_cast<std::uint16_t>(first_attachment + (at - rows.begin()));
    };
    return {place(position), place(position + 1u)};
}

const image::Station* TenantView::find_station(std::uint16_t position, Mac mac) const noexcept {
    const auto key = [](const image::Station& row) {
        return std::pair(row.interface(), from_image(row.mac()));
    };
    const auto at = std::ranges::lower_bound(stations, std::pair(position, mac), {}, key);
    return at != stations.end() && key(*at) == std::pair(position, mac) ? &*at : nullptr;
}

LpmView view_lpm(const image::Lpm* table) {
    if (table == nullptr) return {};
    const auto root = scalars_of(table->root());
    if (root.empty()) return {};
    return {root.data(), scalars_of(table->records()).data(),
            static_cast<std::uint8_t>(std::countr_zero(root.size())), table->wide()};
}

TenantView view_tenant(const image::Image& root, const image::Tenant& t, std::size_t index) {
    TenantView view;
    const SharedTables tables = tables_of(root, t);
    view.index = static_cast<std::uint16_t>(index);
    view.name = t.name()->string_view();
    view.has_service_router = t.has_service_router();
    view.has_firewall = t.has_firewall();
    view.ttl_per_stage = t.ttl_per_stage();
    view.default_action = t.default_action();
    view.default_action_from_uplink = t.default_action_from_uplink();
    view.keeps_denied_sessions = t.keeps_denied_sessions();
    view.drops_implausible = t.drops_implausible();
    view.most_sessions = t.most_sessions();
    view.new_sessions_a_second = t.new_sessions_a_second();
    view.packets_a_second = t.packets_a_second();
    view.slow_path_a_second = t.slow_path_a_second();
    view.most_host_sessions = t.most_host_sessions();
    view.new_host_sessions_a_second = t.new_host_sessions_a_second();
    view.most_host_half_open = t.most_host_half_open();
    view.idle_times = t.idle_times();
    view.interface_names = NameList(t.interface_names()).all();
    view.interfaces = rows_of(t.interfaces());
    view.addresses = rows_of(t.addresses());
    view.proxied = rows_of(t.proxied());
    view.neighbours = rows_of(t.neighbours());
    view.stations = rows_of(t.stations());
    view.remotes = rows_of(t.remotes());
    view.routes4 = {view_lpm(tables.own_routes4), view_lpm(tables.routes4)};
    view.routes6 = {view_lpm(tables.own_routes6), view_lpm(tables.routes6)};
    view.adjacencies = rows_of(t.adjacencies());
    view.ecmp_members = scalars_of(t.ecmp_members());
    view.prefixes = rows_of(t.prefixes());
    view.externals = rows_of(t.externals());
    view.pool_addresses = scalars_of(t.pool_addresses());
    view.snat_rules = rows_of(t.snat_rules());
    view.dnat_rules = rows_of(t.dnat_rules());
    view.one_to_one_rules = rows_of(t.one_to_one_rules());
    view.exemptions = rows_of(t.exemptions());
    view.nat64_prefixes = rows_of(t.nat64_prefixes());
    view.nat4 = view_lpm(tables.nat4);
    view.nat6 = view_lpm(tables.nat6);
    view.nat_classes4 = rows_of(t.nat_classes4());
    view.nat_classes6 = rows_of(t.nat_classes6());
    view.dnat_ports = rows_of(t.dnat_ports());
    view.source_matches = rows_of(t.source_matches());
    view.sets4 = {view_comb(tables.sets4_walk), view_lpm(tables.sets4)};
    view.sets6 = view_lpm(tables.sets6);
    view.address_class_count = t.address_class_count();
    view.classifier = classifier_of(tables.classifier);
    view.classifier.comb = view_comb(tables.classifier_walk);
    view.from_zones = scalars_of(t.from_zones());
    view.to_zones = scalars_of(t.to_zones());
    if (tables.services != nullptr) view.service_cells = scalars_of(tables.services->cells());
    if (tables.rules != nullptr) {
        view.rules = rows_of(tables.rules->rules());
        view.rule_names = NameList(tables.rules->names());
    }
    view.shared = tables;
    view.table = &t;
    for (const image::Interface& row : view.interfaces) {
        const bool is_peer = row.kind() == image::InterfaceKind::Peer;  // others may have anything there
        if (row.kind() == image::InterfaceKind::Transit) {
            view.transit = static_cast<std::uint16_t>(view.peers.size());
        }
        if (row.kind() != image::InterfaceKind::Attachment) ++view.first_attachment;
        view.peers.push_back(is_peer ? PeerEnd{row.peer_tenant(), row.peer_interface()} : PeerEnd{});
    }
    return view;
}

}  // namespace sluice
