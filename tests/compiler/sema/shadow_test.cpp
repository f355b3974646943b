// SPDX-License-Identifier: Apache-2.0
//
// The shadow lint against the obvious loop over all pairs of rules, for random rules.
#include <random>

#include "compiler/sema/check.h"

namespace sluice::sema {
namespace {

struct RandomRule {
    std::vector<std::string> from, to, service;
};

std::string list(const std::vector<std::string>& items) {
    std::string text = "[";
    for (const auto& item : items) text += (text.size() > 1 ? ", " : "") + item;
    return text + "]";
}

// A side is a zone or some of the eight addresses 10.2.0.0 to 10.2.0.7; a service is one of TCP ports 0 to 3.
// Small enough to list.
using Points = std::set<std::string>;

Points side_points(const std::vector<std::string>& items) {
    Points points;
    for (const auto& item : items) {
        const bool all = item == "any";
        if (all || item == "web") points.insert("web");
        if (all || item == "db") points.insert("db");
        if (all) points.insert("elsewhere");
        for (int address = 0; address < 8; ++address) {
            const auto prefix = parse_prefix(item);
            if (all || (prefix && prefix->contains(Ip::from_v4(0x0a020000 + static_cast<unsigned>(address)))))
                points.insert(std::to_string(address));
        }
    }
    return points;
}

Points service_points(const std::vector<std::string>& items) {
    Points points;
    for (const auto& item : items) {
        if (item == "any") points.insert({"udp", "icmp"});
        for (int port = 0; port < 4; ++port) {
            const bool whole = item == "any" || item == "tcp" || item == "tcp/" + std::to_string(port);
            const bool range = item == "tcp/1-2" && (port == 1 || port == 2);
            if (whole || range) points.insert("tcp" + std::to_string(port));
        }
        if (item == "any" || item == "tcp") points.insert("tcp-rest");
    }
    return points;
}

bool covers(const Points& a, const Points& b) {
    return std::includes(a.begin(), a.end(), b.begin(), b.end());
}

TEST(ShadowLint, AgreesWithTheObviousLoop) {
    std::mt19937 random(20261122);
    const auto pick = [&](const std::vector<std::string>& from) {
        std::vector<std::string> items;
        const unsigned count = 1 + random() % 3;
        for (unsigned i = 0; i < count; ++i) items.push_back(from[random() % from.size()]);
        return items;
    };
    const std::vector<std::string> sides{"any",         "web",         "db",          "10.2.0.0/29",
                                         "10.2.0.0/30", "10.2.0.4/30", "10.2.0.0/31", "10.2.0.2/31",
                                         "10.2.0.4/31", "10.2.0.5/32", "10.2.0.6/31"};
    const std::vector<std::string> services{"any", "tcp", "tcp/0", "tcp/1", "tcp/2", "tcp/3", "tcp/1-2"};
    for (int round = 0; round < 20; ++round) {
        std::vector<RandomRule> rules;
        std::string text =
            "tenant: blue\nsegments:\n  web: {vlan: {port: a, id: 1}, gateway: 10.1.1.1/24}\n  db: {vlan: "
            "{port: a, id: 2}, gateway: 10.1.2.1/24}\n"
            "firewall:\n  rules:\n";
        for (int i = 0; i < 60; ++i) {
            // The first ones must not take everything at once.
            RandomRule rule{pick(sides), pick(sides), pick(services)};
            if (i < 30) std::erase(rule.from, "any"), rule.from.push_back(sides[1 + random() % 10]);
            text += "    - {name: r" + std::to_string(i) + ", from: " + list(rule.from) +
                    ", to: " + list(rule.to) + ", service: " + list(rule.service) + ", action: allow}\n";
            rules.push_back(rule);
        }
        const auto result = check_policy(
            "p", front::MemoryFiles({{"p/gateway.yaml",
                                      "gateway: g\nmac: 02:00:00:00:00:01\nports: {a: }\ntenants: [b.yaml]\n"},
                                     {"p/b.yaml", text}}));
        ASSERT_EQ(result.diagnostics.error_count(), 0U);
        std::set<std::uint32_t> said, expected;
        for (const auto& diagnostic : result.diagnostics.all()) {
            if (diagnostic.code == front::Code::rule_shadowed)
                said.insert(result.sources.at(diagnostic.where).line - 7);
        }
        for (std::uint32_t later = 0; later < rules.size(); ++later) {
            for (std::uint32_t earlier = 0; earlier < later; ++earlier) {
                if (covers(side_points(rules[earlier].from), side_points(rules[later].from)) &&
                    covers(side_points(rules[earlier].to), side_points(rules[later].to)) &&
                    covers(service_points(rules[earlier].service), service_points(rules[later].service))) {
                    expected.insert(later);
                }
            }
        }
        EXPECT_EQ(said, expected) << text;
    }
}

}  // namespace
}  // namespace sluice::sema
