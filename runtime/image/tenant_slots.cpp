// SPDX-License-Identifier: Apache-2.0
//
// Interfaces and firewall rules have names. SNAT rules have none: a rule is the one that stood there before if
// it says the same, else if it translates the same sources, else if it takes its addresses from the same pool,
// else if it is the next one left on the same interface. So a rule may change without becoming another one,
// whose mappings would end: those that it still matches and whose address and port it still owns stay.
#include "runtime/image/tenant_slots.h"

#include <map>
#include <unordered_set>

#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

struct SnatText {
    std::string out, sources, pool;
    std::string all() const { return out + " " + sources + " " + pool; }
};

SnatText text_of(const TenantView& tenant, const image::SnatRule& rule) {
    const auto family = static_cast<Family>(rule.family());
    SnatText text;
    text.out = std::string(tenant.interface_names[rule.out_interface()]) + "/" + std::to_string(rule.family());
    if (rule.nat64() != 0) text.out += "/" + to_string(from_image(tenant.nat64_prefixes[rule.nat64() - 1]));
    for (const auto& row : tenant.prefixes.subspan(rule.first_source(), rule.source_count())) {
        text.sources += to_string(from_image(row.ip()), family) + "/" + std::to_string(row.length()) + ",";
    }
    for (const auto index :
         tenant.pool_addresses.subspan(rule.first_pool_address(), rule.pool_address_count())) {
        text.pool += to_string(from_image(tenant.externals[index].ip()),
                               static_cast<Family>(tenant.externals[index].family())) +
                     ",";
    }
    text.pool += std::to_string(rule.port_low()) + "-" + std::to_string(rule.port_high());
    return text;
}

std::vector<SnatText> texts_of(const TenantView* tenant) {
    std::vector<SnatText> texts;
    if (tenant == nullptr) return texts;
    for (const image::SnatRule& rule : tenant->snat_rules) texts.push_back(text_of(*tenant, rule));
    return texts;
}

/// For each rule of now the position of the same one before, no_position where it is new.
std::vector<std::uint32_t> match(const std::vector<SnatText>& now, const std::vector<SnatText>& before) {
    std::vector<std::uint32_t> result(now.size(), no_position);
    std::vector<bool> taken(before.size(), false);
    const auto pass = [&](auto&& key_of) {
        std::multimap<std::string, std::uint32_t> free;
        for (std::uint32_t i = 0; i < before.size(); ++i) {
            if (!taken[i]) free.emplace(key_of(before[i]), i);
        }
        for (std::uint32_t i = 0; i < now.size(); ++i) {
            if (result[i] != no_position) continue;
            const auto found = free.find(key_of(now[i]));
            if (found == free.end()) continue;
            result[i] = found->second;
            taken[found->second] = true;
            free.erase(found);
        }
    };
    pass([](const SnatText& text) { return text.all(); });
    pass([](const SnatText& text) { return text.out + " " + text.sources; });
    pass([](const SnatText& text) { return text.out + " " + text.pool; });
    pass([](const SnatText& text) { return text.out; });
    return result;
}

NameSlots slots_of_snat(const TenantView* now, const TenantView* before, std::uint32_t generation,
                        std::uint32_t forgotten) {
    const std::vector<SnatText> texts = texts_of(now);
    const std::vector<std::uint32_t> same = match(texts, texts_of(before));
    std::vector<std::string> names(texts.size());
    std::unordered_set<std::string> used;
    const TenantSlots* old = before == nullptr ? nullptr : before->slots.get();
    for (std::size_t i = 0; old != nullptr && i < names.size(); ++i) {
        if (same[i] == no_position) continue;
        names[i] = old->snat_rules.name(before->snat_slot(same[i]));
        used.insert(names[i]);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (same[i] != no_position) continue;
        names[i] = texts[i].all();
        for (unsigned number = 2; !used.insert(names[i]).second; ++number) {
            names[i] = texts[i].all() + " " + std::to_string(number);
        }
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    return {old == nullptr ? NameSlots() : old->snat_rules, views, generation, forgotten};
}

NameSlots after(const NameSlots* before, std::span<const std::string_view> names, std::uint32_t generation,
                std::uint32_t forgotten) {
    return {before == nullptr ? NameSlots() : *before, names, generation, forgotten};
}

}  // namespace

std::shared_ptr<const TenantSlots> slots_of(const TenantView* now, const TenantView* before, bool unchanged,
                                            std::uint32_t generation, std::uint32_t forgotten) {
    if (before != nullptr && !before->slots) {  // of an image that follows none
        TenantView numbered = *before;
        numbered.slots = slots_of(before, nullptr, false, 0, 0);
        return unchanged ? numbered.slots : slots_of(now, &numbered, false, generation, forgotten);
    }
    if (before != nullptr && unchanged) return before->slots;
    static const std::vector<std::string_view> nothing;
    auto slots = std::make_shared<TenantSlots>();
    const TenantSlots* old = before == nullptr ? nullptr : before->slots.get();
    slots->interfaces = after(old == nullptr ? nullptr : &old->interfaces,
                              now == nullptr ? nothing : now->interface_names, generation, forgotten);
    slots->rules = after(old == nullptr ? nullptr : &old->rules,
                         now == nullptr ? nothing : now->rule_names.all(), generation, forgotten);
    slots->snat_rules = slots_of_snat(now, before, generation, forgotten);
    return slots;
}

}  // namespace sluice
