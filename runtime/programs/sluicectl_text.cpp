// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/sluicectl_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "runtime/control/report.h"
#include "runtime/programs/sluicectl_images.h"
#include "runtime/show/path_report.h"
#include "runtime/show/text_table.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;
using Row = TableRow;

std::string text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string endpoint(const Json& tuple, const char* side) {
    const std::string address = tuple.at(side).get<std::string>();
    const std::string port = text(tuple.at(std::string(side) + "_port"));
    const bool ipv6 = address.find(':') != std::string::npos;
    return (ipv6 ? "[" + address + "]" : address) + ":" + port;
}

std::string tuple(const Json& json) {
    return endpoint(json, "source") + " > " + endpoint(json, "destination");
}

std::string duration(const Json& seconds) {
    return fmt::format("{:.0f}s", seconds.get<double>());
}

/// Both directions.
std::string pair(const Json& numbers) {
    return text(numbers.at(0)) + "/" + text(numbers.at(1));
}

std::string origin(const Json& image) {
    if (image.value("state", "file") == "file") return ", started from " + text(image.at("file"));
    std::string words = ", revision " + text(image.at("revision")) + ", " + text(image.at("state"));
    if (image.contains("confirm_seconds_left")) {
        words += fmt::format(": {} s left to confirm it", text(image.at("confirm_seconds_left")));
    }
    return words;
}

/// Empty where no gateway was there before.
std::string start(const Json& start) {
    if (const std::string why_cold = text(start.at("why_cold")); !why_cold.empty()) {
        return fmt::format("started cold: {}\n", why_cold);
    }
    if (!start.at("warm").get<bool>()) return "";
    const auto lost = start.at("lost_sessions").get<std::uint64_t>();
    return fmt::format("started warm: {} sessions after {:.3f} s{}\n", text(start.at("sessions")),
                       start.at("silence_seconds").get<double>(),
                       lost == 0 ? "" : fmt::format(", {} found no place", lost));
}

std::string status(const Json& result) {
    const Json& image = result.at("image");
    std::string lines = fmt::format("gateway {}, sluice {}, process {}, up {}\n", text(result.at("gateway")),
                                    text(result.at("version")), text(result.at("process")),
                                    duration(result.at("uptime_seconds")));
    lines += fmt::format("image {}{}\n", text(image.at("digest")), origin(image));
    if (result.contains("last_return")) lines += text_of_last_return(result.at("last_return"));
    lines += start(result.at("start"));
    lines += fmt::format("cores {}, hugepages {}, cache {}, when idle: {}\n", text(result.at("cores")),
                         result.at("hugepages").get<bool>() ? "yes" : "no",
                         result.at("cache").get<bool>() ? "on" : "off", text(result.at("when_idle")));
    std::vector<Row> rows;
    for (const auto& [name, port] : result.at("ports").items()) {
        rows.push_back({name, text(port.at("link")), text(port.at("mtu")), text(port.at("driver")),
                        text(port.at("device"))});
    }
    return lines + text_table({"port", "link", "mtu", "driver", "device"}, rows);
}

std::string stats(const Json& result) {
    std::vector<Row> rows;
    for (const auto& [name, port] : result.at("ports").items()) {
        rows.push_back({name, text(port.at("rx_packets")), text(port.at("rx_bytes")),
                        text(port.at("rx_missed")), text(port.at("rx_unusable")), text(port.at("tx_packets")),
                        text(port.at("tx_bytes")), text(port.at("tx_failed"))});
    }
    return summary_text(result) + text_table({"port", "rx packets", "rx bytes", "rx missed", "rx unusable",
                                              "tx packets", "tx bytes", "tx failed"},
                                             rows);
}

std::string drops(const Json& result) {
    if (result.empty()) return "nothing was dropped\n";
    std::vector<std::pair<std::uint64_t, std::string>> most_first;
    for (const auto& [name, count] : result.items()) most_first.emplace_back(count.get<std::uint64_t>(), name);
    std::ranges::stable_sort(most_first, std::greater<>(), &std::pair<std::uint64_t, std::string>::first);
    std::vector<Row> rows;
    for (const auto& [count, name] : most_first) rows.push_back({std::to_string(count), name});
    return text_table({"packets", "dropped by"}, rows);
}

std::string sessions(const Json& result) {
    std::vector<Row> rows;
    for (const Json& row : result) {
        rows.push_back({text(row.at("tenant")), text(row.at("protocol")), tuple(row.at("forward")),
                        tuple(row.at("reverse")), text(row.at("state")), duration(row.at("age_seconds")),
                        duration(row.at("idle_seconds")), pair(row.at("packets")), pair(row.at("bytes")),
                        text(row.at("rule"))});
    }
    return text_table({"tenant", "proto", "from the initiator", "answers", "state", "age", "idle", "packets",
                       "bytes", "rule"},
                      rows);
}

std::string neighbours(const Json& result) {
    std::vector<Row> rows;
    for (const Json& row : result) {
        rows.push_back({text(row.at("interface")), text(row.at("ip")), text(row.at("mac")),
                        text(row.at("state")), duration(row.at("age_seconds")), text(row.at("held"))});
    }
    return text_table({"interface", "address", "mac", "state", "age", "held"}, rows);
}

std::string station(const Json& result) {
    if (!result.contains("stations")) {
        const std::string where =
            result.contains("behind") ? "is behind " + text(result.at("behind")) : "is where it is heard";
        return fmt::format("{} {} {}; neighbours that this is about: {}\n", text(result.at("on")),
                           text(result.at("mac")), where, text(result.at("neighbours")));
    }
    std::vector<Row> rows;
    for (const Json& row : result.at("stations")) {
        rows.push_back({text(row.at("segment")), text(row.at("mac")), text(row.at("behind")),
                        text(row.at("known_by")), duration(row.at("idle_seconds"))});
    }
    return text_table({"segment", "mac", "behind", "known by", "idle"}, rows);
}

std::string flows(const Json& result) {
    std::vector<Row> rows;
    for (const Json& row : result) {
        rows.push_back({text(row.at("ingress")), text(row.at("egress")), text(row.at("protocol")),
                        tuple(row.at("packet")), tuple(row.at("becomes")), text(row.at("packets")),
                        text(row.at("bytes")), duration(row.at("idle_seconds"))});
    }
    return text_table({"from", "to", "proto", "packet", "becomes", "packets", "bytes", "idle"}, rows);
}

}  // namespace

std::string text_of_answer(const std::string& command, const Json& result) {
    if (is_image_command(command)) return text_of_image_answer(command, result);
    if (command == "status") return status(result);
    if (command == "stats") return stats(result);
    if (command == "drops") return drops(result);
    if (command == "sessions") return sessions(result);
    if (command == "neighbours") return neighbours(result);
    if (command == "trace") return path_text(result);
    if (command == "station") return station(result);
    return flows(result);
}

}  // namespace sluice
