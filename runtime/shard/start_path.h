// SPDX-License-Identifier: Apache-2.0
//
// Where its leaves lead a first packet: out by which adjacency, translated by which rule, and what the firewall
// is to be asked; or as the last one of its ingress. Owner shard only; no allocation.
#pragma once

#include "runtime/shard/start.h"
#include "runtime/stages/external_address.h"
#include "runtime/stages/next_hop.h"
#include "runtime/state/fetch_line.h"

namespace sluice {

/// Where look-ups begin: with many tenants each of these lines is a cold one.
inline void fetch_tables(const StartRow& row) {
    fetch_line(row.has_routes_root() ? static_cast<const void*>(row.routes.records) : row.routes.root);
    fetch_line(row.has_nat_root() ? static_cast<const void*>(row.nat.records) : row.nat.root);
    fetch_line(row.services.cells);
    fetch_line(row.set_walk.steps);
    fetch_line(row.set_walk.slots);
    if (row.has_own_routes || row.set_walk.empty()) fetch_line(&row.sets);
}

/// What fetch_rows() reads of the row.
inline void fetch_cold_lines(const StartRow& row) {
    fetch_line(&row.sets);
    fetch_line(&row.source_matches);
}

/// The rows that the leaves lead to, which many tenants' traffic finds cold.
inline void fetch_rows(const StartLeaves& leaves, const StartRow& row) {
    fetch_line(&row.adjacencies[leaves.route_back]);
    fetch_line(&row.adjacencies[leaves.route]);
    fetch_line(row.to_zones);
    if (!row.has_nat) return;
    fetch_line(&row.nat_classes[leaves.source_nat]);
    fetch_line(&row.nat_classes[leaves.destination_nat]);
    fetch_line(row.source_matches.data());
}

/// What the firewall looks at.
inline FirewallQuestion ask(const StartLeaves& leaves, const Start& start) {
    const StartRow& row = *start.row;
    if (!row.has_rules) return {};
    return {.source_class = leaves.source_class,
            .destination_class = leaves.destination_class,
            .asked_service = leaves.service,
            .real_service = leaves.service,
            .from_zone = row.from_zone,
            .to_zone = row.to_zones[start.out_interface]};
}

/// Whether this one is to be served as the last one was.
inline bool recall(const LastStart& last, std::uint32_t trace_changes, const StartLeaves& leaves,
                   Start& start) {
    if (last.place == TraceCache::unknown || last.traces_as_of != trace_changes || !(last.leaves == leaves))
        return false;
    start.adjacency = leaves.route;
    start.out_interface = last.out_interface;
    start.translates = last.translates;
    start.snat_position = last.translates ? last.snat_position : no_stage_row;
    start.judgement = last.judgement;
    start.rule = last.rule;
    start.place = last.place;
    start.program = last.program;
    start.neighbour = last.neighbour;
    start.ttl_cost = last.ttl_cost;
    return true;
}

/// Of the packet that `start` is of, which a trace is known of.
inline LastStart to_recall(const Start& start, const StartLeaves& leaves, std::uint32_t trace_changes,
                           std::uint32_t tick) {
    return {.leaves = leaves,
            .rule = start.rule,
            .place = start.place,
            .traces_as_of = trace_changes,
            .program = start.program,
            .neighbour = start.neighbour,
            .snat_position = static_cast<std::uint16_t>(start.snat_position),
            .out_interface = start.out_interface,
            .used = static_cast<std::uint8_t>(tick - 1),
            .translates = start.translates,
            .judgement = start.judgement,
            .ttl_cost = start.ttl_cost};
}

/// False: not forwarded, or from a source that may not be there, or to an address that NAT stands before, or
/// translated one to one.
inline bool read_leaves(const StartLeaves& leaves, Start& start) {
    const StartRow& row = *start.row;
    const image::Adjacency& back = row.adjacencies[leaves.route_back];
    if (back.kind() == image::AdjacencyKind::Local) return false;
    if (back.kind() == image::AdjacencyKind::DirectedBroadcast) return false;  // nobody to be told anything
    if (row.checks_source && !(is_next_hop(back) && back.interface() == row.in_interface)) return false;
    start.adjacency = leaves.route;
    const image::Adjacency& adjacency = row.adjacencies[start.adjacency];
    if (!is_next_hop(adjacency)) return false;
    start.out_interface = adjacency.interface();
    start.translates = false;
    start.snat_position = no_stage_row;
    if (!row.has_nat) return true;
    if (row.nat_classes[leaves.destination_nat].external() != no_row) return false;
    const image::SourceMatch* match =
        source_match_of(row.source_matches, row.nat_classes[leaves.source_nat], start.out_interface,
                        [&]() -> const image::NatClass& { return row.nat_classes[leaves.destination_nat]; });
    if (match == nullptr || match->kind() <= image::SourceKind::Exempt) return true;
    start.translates = true;
    start.snat_position = match->row();
    return match->kind() == image::SourceKind::Snat;
}

/// Whether the second one's trace is known to be the first one's. Of one that is recalled, nobody has asked.
inline bool are_alike(const Start& one, const Start& other) {
    return one.row == other.row && !one.recalled() && one.question == other.question &&
           one.l4_kind == other.l4_kind && one.adjacency == other.adjacency &&
           one.translates == other.translates && one.snat_position == other.snat_position;
}

}  // namespace sluice
