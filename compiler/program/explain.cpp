// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>

#include "compiler/analyze/explanation.h"
#include "compiler/program/commands.h"
#include "compiler/program/load.h"
#include "runtime/io/capture_reader.h"
#include "runtime/packet/packet_text.h"
#include "runtime/packet/parse.h"
#include "runtime/show/path_report.h"
#include "runtime/show/switch_report.h"

namespace sluice::program {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
    std::string path, on, packet, capture, to;
    bool json = false;
};

Exit usage(const std::string& words) {
    fmt::print(stderr, "sluicec: {}\n", words);
    return Exit::usage;
}

/// What the headers of a captured frame say, or why they cannot be read.
std::variant<PacketView, std::string> packet_of(const CapturedFrame& captured,
                                                std::vector<std::uint8_t>& bytes) {
    bytes.assign(captured.bytes.begin(), captured.bytes.end());
    PacketView packet;
    packet.frame.data = bytes.data();
    packet.frame.length = static_cast<std::uint32_t>(bytes.size());
    const auto l2 = parse_l2(packet.frame.bytes());
    if (!l2) return std::string(name_of(DropReason::SHORT));
    packet.l2 = *l2;
    if (l2->ethertype != ethertype_ipv4 && l2->ethertype != ethertype_ipv6) {
        return std::string(name_of(DropReason::BAD_ETHERTYPE));
    }
    const auto reason = parse_ip_packet(packet.frame.bytes().subspan(l2->length), l2->ethertype, packet.ip);
    if (reason) return std::string(name_of(*reason));
    return packet;
}

Exit explain_capture(const Options& options, const Explainer& explainer, const Image& image, InterfaceRef on,
                     Json& reports) {
    CaptureReader reader(options.capture);
    std::vector<std::uint8_t> bytes;
    while (const auto captured = reader.next()) {
        const auto packet = packet_of(*captured, bytes);
        if (const auto* reason = std::get_if<std::string>(&packet)) {
            fmt::print(stderr, "{}: packet {}: {}\n", options.capture, reader.packets(), *reason);
            continue;
        }
        const PacketView& frame = std::get<PacketView>(packet);
        const Mac to = frame.l2.destination;
        reports.push_back(is_switched(image, on, to) ? switch_report(image, switch_by_policy(image, on, to))
                                                     : path_report(image, explainer.run(frame, on)));
    }
    if (reader.problem().empty()) return Exit::done;
    fmt::print(stderr, "sluicec: {}: {}\n", options.capture, reader.problem());
    return Exit::failed;
}

Exit explain(const Options& options) {
    if (options.packet.empty() == options.capture.empty()) return usage("give --packet TEXT or --pcap FILE");
    Exit exit = Exit::done;
    const auto image = load_image(options.path, exit);
    if (!image) return exit;
    const auto on = interface_named(*image, options.on);
    if (!on) {
        return usage(fmt::format("there is no interface \"{}\": write TENANT/INTERFACE, such as {}/{}",
                                 options.on, image->tenants()[0].name, image->tenants()[0].interface_names[0]));
    }
    const Explainer explainer(*image);
    Json reports = Json::array();
    std::optional<Mac> to;
    if (!options.to.empty()) {
        to = parse_mac(options.to);
        if (!to) return usage(fmt::format("--to: \"{}\" is no MAC", options.to));
    }
    if (to && !is_for_router(*image, *on, *to)) {
        reports.push_back(switch_report(*image, switch_by_policy(*image, *on, *to)));
    } else if (!options.packet.empty()) {
        PacketTextError error;
        const auto text = parse_packet_text(options.packet, Wildcards::refused, error);
        if (!text) return usage(fmt::format("--packet: {}", error.words));
        reports.push_back(path_report(*image, explainer.run(first_packet_of(*text), *on)));
    } else {
        exit = explain_capture(options, explainer, *image, *on, reports);
    }
    if (options.json) {
        fmt::print("{}\n", reports.dump(2));
    } else {
        for (const Json& report : reports) fmt::print("{}", path_text(report));
    }
    return exit;
}

}  // namespace

void add_explain(CLI::App& app, Exit& exit) {
    auto options = std::make_shared<Options>();
    auto* command =
        app.add_subcommand("explain", "Say what becomes of a packet, step by step, and by which line");
    command->add_option("POLICY|IMAGE", options->path, "a policy (directory or gateway.yaml), or an image")
        ->required();
    command->add_option("--on", options->on, "where it enters: TENANT/INTERFACE")->required();
    command->add_option("--packet", options->packet, "such as \"tcp 198.18.0.9:40000 > 203.0.113.10:443\"");
    command->add_option("--pcap", options->capture, "each packet of a capture, as the first of its flow");
    command->add_option("--to", options->to, "the MAC that the frame is for; absent: the router's");
    command->add_flag("--json", options->json, "print the steps as JSON");
    command->callback([options, &exit] { exit = explain(*options); });
}

}  // namespace sluice::program
