// SPDX-License-Identifier: Apache-2.0
#include "tests/support/counted.h"

namespace sluice::test {

Numbers numbers_of(const Image& image, const Counters& counters) {
    Numbers numbers;
    const auto add = [&](std::string name, std::uint64_t value) {
        numbers.emplace_back(std::move(name), value);
    };
    add("originated", counters.originated);
    add("copies", counters.copies);
    add("consumed", counters.consumed);
    add("held", counters.held);
    add("created", counters.sessions.created);
    add("expired", counters.sessions.expired);
    add("active", counters.sessions.active);
    add("ended", counters.sessions.ended);
    const auto add_count = [&](const std::string& name, const PacketCount& count) {
        add(name + ".packets", count.packets);
        add(name + ".bytes", count.bytes);
    };
    for (std::size_t port = 0; port < counters.rx.size(); ++port) {
        add_count("rx." + std::to_string(port), counters.rx[port]);
        add_count("tx." + std::to_string(port), counters.tx[port]);
    }
    for (std::size_t component = 0; component < counters.drops.size(); ++component) {
        for (std::size_t reason = 0; reason < drop_reason_count; ++reason) {
            add(counters.component_names[component] + "." +
                    std::string(name_of(static_cast<DropReason>(reason))),
                counters.drops[component][reason]);
        }
    }
    for (std::size_t tenant = 0; tenant < counters.tenants.size(); ++tenant) {
        const std::string name(image.tenants()[tenant].name);
        add_count(name + ".rx", counters.tenants[tenant].rx);
        add_count(name + ".tx", counters.tenants[tenant].tx);
        for (std::size_t rule = 0; rule < counters.tenants[tenant].rules.size(); ++rule) {
            const RuleCount& count = counters.tenants[tenant].rules[rule];
            const std::string rule_name = name + ".rule." + std::to_string(rule);
            add(rule_name + ".sessions", count.sessions);
            add_count(rule_name, {count.packets, count.bytes});
        }
    }
    return numbers;
}

std::string first_difference(const Numbers& with, const Numbers& without) {
    if (with.size() != without.size()) return "one knows more than the other";
    for (std::size_t i = 0; i < with.size(); ++i) {
        if (with[i] == without[i]) continue;
        return with[i].first + ": with the cache " + std::to_string(with[i].second) + ", without " +
               without[i].first + " " + std::to_string(without[i].second);
    }
    return "";
}

}  // namespace sluice::test
