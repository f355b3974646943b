// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "compiler/lower/action.h"
#include "compiler/lower/address_classes.h"
#include "compiler/lower/classifier_builder.h"
#include "compiler/lower/passes.h"
#include "compiler/lower/service_classes.h"

namespace sluice::lower {
namespace {

using Services = std::vector<policy::Service>;
using Zones = std::vector<std::uint16_t>;

constexpr std::size_t most_boxes = 1u << 24;
constexpr ClassRange any_address{0, classifier_field_max(0)};
constexpr ClassRange any_zone{0, classifier_field_max(4)};
constexpr ClassRange any_service{0, classifier_field_max(2)};

bool stands_before(const policy::Service& a, const policy::Service& b) {
    return std::tie(a.protocol, a.family, a.low, a.high) < std::tie(b.protocol, b.family, b.low, b.high);
}
struct ListOrder {
    bool operator()(const Services& a, const Services& b) const {
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), stands_before);
    }
    bool operator()(const Zones& a, const Zones& b) const { return a < b; }
};

// Rules repeat each other's lists: each is classified once.
template <typename List>
class DistinctLists {
  public:
    std::uint32_t number_of(List list) {
        const auto [place, is_new] =
            numbers_.try_emplace(std::move(list), static_cast<std::uint32_t>(lists_.size()));
        if (is_new) lists_.push_back(place->first);
        return place->second;
    }
    const std::vector<List>& lists() const { return lists_; }

  private:
    std::map<List, std::uint32_t, ListOrder> numbers_;
    std::vector<List> lists_;
};

/// The interfaces that the same rules name on one side.
class ZoneClasses {
  public:
    ZoneClasses(const std::vector<policy::Rule>& rules, policy::Side policy::Rule::*side,
                std::size_t interfaces) {
        for (const policy::Rule& rule : rules) {
            if (!(rule.*side).zones.empty()) lists_.number_of((rule.*side).zones);
        }
        std::vector<Membership> memberships(interfaces);
        for (std::uint32_t list = 0; list < lists_.lists().size(); ++list) {
            for (const std::uint16_t zone : lists_.lists()[list]) {
                if (memberships[zone].empty() || memberships[zone].back() != list)
                    memberships[zone].push_back(list);
            }
        }
        std::vector<std::uint32_t> handles;
        for (const Membership& membership : memberships) handles.push_back(numbering_.handle_of(membership));
        numbering_.number(lists_.lists().size());
        for (const std::uint32_t handle : handles) {
            classes_.push_back(static_cast<std::uint16_t>(numbering_.class_of(handle)));
        }
    }
    const std::vector<ClassRange>& ranges_of(const Zones& zones) {
        return numbering_.ranges_of(lists_.number_of(zones));
    }
    std::uint32_t last_class() const { return numbering_.count() - 1; }
    std::vector<std::uint16_t> take_classes() { return std::move(classes_); }

  private:
    DistinctLists<Zones> lists_;
    ClassNumbering numbering_;
    std::vector<std::uint16_t> classes_;  // of each interface
};

/// One way to be on a rule's side: an address of a class, or a zone.
struct SideBox {
    ClassRange addresses, zones;
};

std::vector<SideBox> boxes_of(const policy::Side& side, const AddressClasses& addresses, ZoneClasses& zones) {
    if (side.any) return {{any_address, any_zone}};
    std::vector<SideBox> boxes;
    if (!side.zones.empty()) {
        for (const ClassRange& range : zones.ranges_of(side.zones)) boxes.push_back({any_address, range});
    }
    for (const ClassRange& range : addresses.ranges_of(side.sets)) boxes.push_back({range, any_zone});
    return boxes;
}

void add_boxes(std::vector<ClassifierBox>& boxes, std::uint32_t rule, const std::vector<SideBox>& from,
               const std::vector<SideBox>& to, const std::vector<ClassRange>& services) {
    if (boxes.size() + from.size() * to.size() * services.size() > most_boxes) {
        throw std::length_error(
            "a tenant's firewall rules are more than 16 million combinations of sets and services");
    }
    for (const SideBox& source : from) {
        for (const SideBox& destination : to) {
            for (const ClassRange& service : services) {
                boxes.push_back({{source.addresses.low, destination.addresses.low, service.low,
                                  source.zones.low, destination.zones.low},
                                 {source.addresses.high, destination.addresses.high, service.high,
                                  source.zones.high, destination.zones.high},
                                 rule});
            }
        }
    }
}

}  // namespace

void lower_firewall(const policy::Tenant& tenant, TenantTables& tables) {
    AddressClasses addresses = classify_addresses(tenant.sets);
    tables.sets4 = std::move(addresses.table4);
    tables.sets6 = std::move(addresses.table6);
    tables.address_class_count = addresses.numbering.count();
    if (!tenant.firewall || tenant.firewall->rules.empty()) return;

    const std::vector<policy::Rule>& rules = tenant.firewall->rules;
    DistinctLists<Services> lists;
    for (const policy::Rule& rule : rules) {
        if (!rule.services.empty()) lists.number_of(rule.services);
    }
    ServiceClasses services = classify_services(lists.lists());
    ZoneClasses from_zones(rules, &policy::Rule::from, tenant.interfaces.size());
    ZoneClasses to_zones(rules, &policy::Rule::to, tenant.interfaces.size());
    std::vector<ClassifierBox> boxes;
    for (std::uint32_t index = 0; index < rules.size(); ++index) {
        const policy::Rule& rule = rules[index];
        add_boxes(boxes, index, boxes_of(rule.from, addresses, from_zones),
                  boxes_of(rule.to, addresses, to_zones),
                  rule.services.empty() ? std::vector{any_service}
                                        : services.numbering.ranges_of(lists.number_of(rule.services)));
        tables.rules.emplace_back(index, rule.where.line, to_image(rule.action), rule.log ? 1 : 0, 0);
    }
    const std::uint32_t last_address = addresses.numbering.count() - 1;
    tables.classifier =
        build_classifier(std::move(boxes), {last_address, last_address, services.numbering.count() - 1,
                                            from_zones.last_class(), to_zones.last_class()});
    tables.from_zones = from_zones.take_classes();
    tables.to_zones = to_zones.take_classes();
    tables.service_cells = std::move(services.cells);
}

}  // namespace sluice::lower
