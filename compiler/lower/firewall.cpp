// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <tuple>
#include <vector>

#include "compiler/lower/action.h"
#include "compiler/lower/address_classes.h"
#include "compiler/lower/passes.h"

namespace sluice::lower {
namespace {

// Equal masks are stored once: most rules name the same few zones and sets.
class MaskTable {
  public:
    explicit MaskTable(std::vector<std::uint64_t>& words) : words_(words) {}

    template <typename Index>
    std::uint32_t offset_of(const std::vector<Index>& bits, std::uint32_t word_count) {
        if (bits.empty()) return no_row;
        std::vector<std::uint64_t> mask(word_count);
        for (const Index bit : bits) mask[bit / 64] |= 1ULL << bit % 64;
        const auto [place, is_new] =
            offsets_.try_emplace(std::move(mask), static_cast<std::uint32_t>(words_.size()));
        if (is_new) words_.insert(words_.end(), place->first.begin(), place->first.end());
        return place->second;
    }

  private:
    std::vector<std::uint64_t>& words_;
    std::map<std::vector<std::uint64_t>, std::uint32_t> offsets_;
};

// Equal lists of services are stored once.
class ServiceTable {
  public:
    explicit ServiceTable(std::vector<image::Service>& rows) : rows_(rows) {}

    std::uint32_t first_of(const std::vector<policy::Service>& services) {
        if (services.empty()) return 0;
        std::vector<Key> key;
        for (const auto& s : services) key.emplace_back(s.protocol, s.family, s.low, s.high);
        const auto [place, is_new] =
            firsts_.try_emplace(std::move(key), static_cast<std::uint32_t>(rows_.size()));
        if (is_new) {
            for (const auto& s : services) rows_.emplace_back(s.protocol, s.family, s.low, s.high);
        }
        return place->second;
    }

  private:
    using Key = std::tuple<std::uint8_t, std::uint8_t, std::uint16_t, std::uint16_t>;
    std::vector<image::Service>& rows_;
    std::map<std::vector<Key>, std::uint32_t> firsts_;
};

struct SideMasks {
    std::uint32_t zones = no_row;
    std::uint32_t sets = no_row;
};

SideMasks masks_of(const policy::Side& side, const TenantTables& tables, MaskTable& masks) {
    if (side.any) return {};
    return {masks.offset_of(side.zones, tables.zone_words), masks.offset_of(side.sets, tables.set_words)};
}

}  // namespace

void lower_firewall(const policy::Tenant& tenant, TenantTables& tables) {
    AddressClasses classes = classify_addresses(tenant.sets);
    tables.sets4 = std::move(classes.table4);
    tables.sets6 = std::move(classes.table6);
    tables.set_words = classes.words;
    tables.class_rows = std::move(classes.rows);
    tables.zone_words = static_cast<std::uint32_t>((tenant.interfaces.size() + 63) / 64);
    if (!tenant.firewall) return;

    MaskTable masks(tables.masks);
    ServiceTable services(tables.services);
    for (const policy::Rule& rule : tenant.firewall->rules) {
        const SideMasks from = masks_of(rule.from, tables, masks);
        const SideMasks to = masks_of(rule.to, tables, masks);
        tables.rules.emplace_back(from.zones, from.sets, to.zones, to.sets, services.first_of(rule.services),
                                  static_cast<std::uint32_t>(rule.services.size()),
                                  static_cast<std::uint32_t>(tables.rules.size()), rule.where.line,
                                  to_image(rule.action), rule.from.any ? 1 : 0, rule.to.any ? 1 : 0,
                                  rule.log ? 1 : 0);
    }
}

}  // namespace sluice::lower
