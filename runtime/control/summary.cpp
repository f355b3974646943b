// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/control/report.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

std::uint64_t number(const Json& json, const char* key) {
    return json.at(key).get<std::uint64_t>();
}

/// The drops whose name starts with `owner.`, without that prefix.
std::string drop_lines(const Json& drops, const std::string& owner) {
    std::string text;
    for (const auto& [name, count] : drops.items()) {
        if (!name.starts_with(owner + ".")) continue;
        text +=
            fmt::format("    dropped {:>10}  {}\n", count.get<std::uint64_t>(), name.substr(owner.size() + 1));
    }
    return text;
}

std::string rule_lines(const Json& rules) {
    std::string text;
    for (const auto& [name, rule] : rules.items()) {
        if (number(rule, "packets") == 0 && number(rule, "sessions") == 0) continue;
        text += fmt::format("    rule    {:>10}  {} ({} sessions, {} bytes)\n", number(rule, "packets"), name,
                            number(rule, "sessions"), number(rule, "bytes"));
    }
    return text;
}

}  // namespace

std::string summary_text(const Json& report) {
    const Json& rx = report.at("rx");
    const Json& tx = report.at("tx");
    const Json& sessions = report.at("sessions");
    std::string text =
        fmt::format("received {} packets, {} bytes; sent {} packets, {} bytes\n", number(rx, "packets"),
                    number(rx, "bytes"), number(tx, "packets"), number(tx, "bytes"));
    text += fmt::format("originated {}, copies {}, consumed {}, held {}\n", number(report, "originated"),
                        number(report, "copies"), number(report, "consumed"), number(report, "held"));
    text += fmt::format("sessions {} created, {} expired, {} active\n", number(sessions, "created"),
                        number(sessions, "expired"), number(sessions, "active"));
    const Json& drops = report.at("drops");
    if (const std::string lines = drop_lines(drops, "gateway"); !lines.empty()) {
        text += "before a tenant was known\n" + lines;
    }
    for (const auto& [name, tenant] : report.at("tenants").items()) {
        text +=
            fmt::format("tenant {}: received {}, sent {}\n", name, number(tenant, "rx"), number(tenant, "tx"));
        text += rule_lines(tenant.at("rules")) + drop_lines(drops, name);
    }
    if (!report.at("balanced").get<bool>()) {
        text +=
            "the packet balance does not hold: rx + originated + copies is not tx + consumed + held + drops\n";
    }
    return text;
}

}  // namespace sluice
