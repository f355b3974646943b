// SPDX-License-Identifier: Apache-2.0
//
// What an image holds and what it costs: bytes of each kind of table, and the look-ups that the worst packet
// makes. Any thread; reads the look-up tables once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/image/image.h"

namespace sluice {

struct LpmReport {
    std::uint32_t prefixes = 0;
    std::uint64_t bytes = 0;
    unsigned levels =
        0;  // dependent reads of the deepest look-up: the root, then records; of a walk: its steps
};

struct ClassifierReport {
    std::uint64_t bytes = 0;
    std::uint64_t nodes = 0, rows = 0;  // that the worst look-up meets; of a walk: its steps, and no row
};

/// A table that tenants share.
struct TableReport {
    std::string kind;    // lpm, classifier, walk, services, rules
    std::string digest;  // hexadecimal
    std::uint64_t bytes = 0;
    std::uint64_t references = 0;  // from sections: a tenant may have several
    std::uint64_t worst_reads =
        0;  // that depend on each other, in one look-up: steps of a classifier; 0: no look-up
};

struct TenantReport {
    std::string name;
    std::string file;
    std::string digest;              // of its section, hexadecimal
    std::string closure;             // of all that packets entering it can read (schemas/layout/closure.h)
    std::uint64_t bytes = 0;         // of its section
    std::uint64_t table_bytes = 0;   // of the tables that it reads
    std::uint64_t shared_bytes = 0;  // of those that other tenants read as well
    bool has_service_router = false;
    LpmReport own_routes4, own_routes6, routes4, routes6, nat4, nat6, sets4, sets6;
    std::uint64_t nat_bytes = 0;  // rules and classes, without the look-up tables
    std::size_t nat_classes = 0;
    std::size_t nat_steps = 0;  // compares to find a DNAT rule by port and a source rule by interface, at worst
    ClassifierReport classifier;
    std::uint64_t firewall_bytes = 0;  // classifier, zones, services, rules; without the tables of addresses
    std::size_t adjacencies = 0;
    std::size_t snat_rules = 0, dnat_rules = 0, one_to_one_rules = 0, external_addresses = 0;
    std::size_t address_sets = 0, address_classes = 0, firewall_rules = 0;
    std::size_t assertions = 0;

    /// Dependent reads that the first packet of a session makes at worst, by family: both ends' routes, NAT
    /// classes and address classes.
    unsigned worst_lookups4() const {
        return 2 * (own_routes4.levels + routes4.levels + nat4.levels + sets4.levels);
    }
    unsigned worst_lookups6() const {
        return 2 * (own_routes6.levels + routes6.levels + nat6.levels + sets6.levels);
    }
};

struct ImageReport {
    std::string gateway;
    std::string digest;  // hexadecimal
    std::uint64_t bytes = 0;
    std::vector<TenantReport> tenants;
    std::vector<TableReport> tables;  // the largest first

    std::uint64_t table_bytes() const;
    std::uint64_t references() const;
    /// What the tables would take if each reference had one of its own.
    std::uint64_t unshared_bytes() const;
};

ImageReport report_on(const Image& image);

}  // namespace sluice
