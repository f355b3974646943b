// SPDX-License-Identifier: Apache-2.0
#include "tests/support/all_tiers.h"

#include <algorithm>
#include <stdexcept>

#include "runtime/packet/describe.h"
#include "tests/support/counted.h"

namespace sluice::test {
namespace {

std::string text_of(const std::vector<SentFrame>& sent, std::size_t at) {
    if (at >= sent.size()) return "nothing";
    const std::span<const std::uint8_t> bytes(sent[at].bytes);
    return "port " + std::to_string(sent[at].port) + ": " + describe(bytes);
}

std::string difference(const std::vector<SentFrame>& without, const std::vector<SentFrame>& with) {
    for (std::size_t i = 0; i < std::max(with.size(), without.size()); ++i) {
        if (i < with.size() && i < without.size() && with[i] == without[i]) continue;
        return "frame " + std::to_string(i) + "\nwith it " + text_of(with, i) + "\nwithout " +
               text_of(without, i);
    }
    return "";
}

}  // namespace

AllTiers::AllTiers(const Image& image, ShardSettings settings) : first_(&image) {
    for (const CacheTiers tiers : all_cache_tiers) {
        settings.cache = tiers;
        gateways_.push_back(std::make_unique<TestGateway>(image, settings));
    }
}

void AllTiers::note(CacheTiers tiers, const std::string& how) {
    if (parting_.empty() && !how.empty()) parting_ = name_of(tiers) + ": " + how;
}

std::vector<SentFrame> AllTiers::inject(std::span<const SentFrame> burst) {
    const std::vector<SentFrame> expected = gateways_[0]->inject(burst);
    for (const CacheTiers tiers : {CacheTiers::flow_table, CacheTiers::trace_cache}) {
        note(tiers, difference(expected, gateway(tiers).inject(burst)));
        if (gateway(tiers).events() != gateways_[0]->events()) note(tiers, "logs something else");
    }
    return expected;
}

std::vector<SentFrame> AllTiers::advance(Time duration) {
    const std::vector<SentFrame> expected = gateways_[0]->advance(duration);
    for (const CacheTiers tiers : {CacheTiers::flow_table, CacheTiers::trace_cache}) {
        note(tiers, difference(expected, gateway(tiers).advance(duration)));
    }
    return expected;
}

void AllTiers::activate(const Image& next) {
    std::uint32_t forgotten = ~std::uint32_t{0};
    for (const auto& gateway : gateways_) forgotten = std::min(forgotten, gateway->shard().forgotten());
    auto followed = next.follow(image(), forgotten);
    for (const auto& gateway : gateways_) {
        const auto activation = gateway->shard().prepare(*followed);
        if (!gateway->shard().activate(*activation)) throw std::logic_error("the shard refuses the image");
    }
    followed_ = std::move(followed);
}

void AllTiers::compare_counters() {
    const Numbers expected = numbers_of(image(), gateways_[0]->counters());
    for (const CacheTiers tiers : {CacheTiers::flow_table, CacheTiers::trace_cache}) {
        note(tiers, first_difference(numbers_of(image(), gateway(tiers).counters()), expected));
        if (!gateway(tiers).counters().balanced()) note(tiers, "does not balance");
    }
    for (const CacheTiers tiers : all_cache_tiers) {
        std::uint64_t of_tenants = 0;
        for (const TenantCount& tenant : gateway(tiers).counters().tenants) of_tenants += tenant.sessions;
        if (of_tenants != gateway(tiers).shard().sessions().size())
            note(tiers, "counts other sessions than it has");
    }
}

}  // namespace sluice::test
