// SPDX-License-Identifier: Apache-2.0
//
// sluicectl: asks a running gateway.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/control/control_client.h"
#include "runtime/control/exit_codes.h"
#include "runtime/control/push.h"
#include "runtime/control/report.h"
#include "runtime/programs/sluicectl_images.h"
#include "runtime/programs/sluicectl_text.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
    std::string socket = "/run/sluice/control.sock";
    std::optional<unsigned> timeout_seconds;
    bool json = false;
    ImageOptions images;
    std::string on, packet, to;       // of trace
    std::string action, mac, behind;  // of station, which has `on` as well
};

int complain(int exit_code, const std::string& text) {
    std::fprintf(stderr, "sluicectl: %s\n", text.c_str());
    return exit_code;
}

unsigned timeout_of(const Options& options, const std::string& command) {
    // An image is loaded, verified and written to disk before the answer comes.
    const unsigned gate = options.images.gate ? 2 * options.images.gate_seconds : 0;
    return options.timeout_seconds.value_or(is_image_command(command) ? 60 + gate : 5);
}

Json answer_to(const Options& options, const std::string& command) {
    const unsigned timeout_seconds = timeout_of(options, command);
    if (command == "push") return push_file(options.socket, timeout_seconds, options.images.file);
    Json request = image_request(command, options.images);
    if (command == "trace") request.update({{"on", options.on}, {"packet", options.packet}});
    if (command == "trace" && !options.to.empty()) request["to"] = options.to;
    if (command == "station") {
        request["action"] = options.action;
        if (options.action != "list") request.update({{"on", options.on}, {"mac", options.mac}});
        if (options.action == "set") request["behind"] = options.behind;
    }
    const auto answer = ask_gateway(options.socket, request.dump(), std::chrono::seconds(timeout_seconds));
    if (const auto* unreachable = std::get_if<ControlUnreachable>(&answer))
        throw ConnectionLost(unreachable->reason);
    return Json::parse(std::get<std::string>(answer));
}

int ask(const Options& options, const std::string& command) {
    try {
        const Json response = answer_to(options, command);
        if (!response.at("ok").get<bool>()) {
            return complain(response.value("exit", exit_refused), response.at("error").get<std::string>());
        }
        const Json& result = response.at("result");
        std::cout << (options.json ? json_text(result) : text_of_answer(command, result)) << std::flush;
        return std::cout ? exit_done : exit_failed;
    } catch (const ConnectionLost& lost) {
        return complain(exit_unreachable, lost.what());
    } catch (const Json::exception& error) {
        return complain(exit_failed, std::string("the gateway's answer makes no sense: ") + error.what());
    } catch (const std::runtime_error& error) {
        return complain(exit_failed, error.what());
    }
}

void add_station_commands(CLI::App& app, Options& options) {
    CLI::App* const station =
        app.add_subcommand("station", "where stations of segments with tunnels are: list, set, del");
    station->require_subcommand(1);
    const auto action = [&](const std::string& name, const std::string& words) {
        CLI::App* const command = station->add_subcommand(name, words);
        command->callback([&options, name] { options.action = name; });
        return command;
    };
    action("list", "what was learned of them, and what was set");
    CLI::App* const set = action("set", "a station is behind that endpoint or port, from the next packet on");
    CLI::App* const del = action("del", "it is where the policy or its own frames say again");
    for (CLI::App* const command : {set, del}) {
        command->add_option("TENANT/SEGMENT", options.on, "the station's segment")->required();
        command->add_option("MAC", options.mac, "the station")->required();
    }
    set->add_option("BEHIND", options.behind, "a remote of the segment, or SEGMENT@PORT.VLAN")->required();
}

}  // namespace
}  // namespace sluice

int main(int argument_count, char** arguments) {
    sluice::Options options;
    CLI::App app("Asks a running gateway.", "sluicectl");
    app.footer(
        "Exit: 0 done; 1 failed; 2 usage; 4 the image or its signature is not good; 5 refused by the gateway; "
        "6 unreachable or timed out.");
    app.set_version_flag("--version", SLUICE_VERSION);
    app.add_option("--socket", options.socket, "the gateway's control socket")
        ->type_name("PATH")
        ->capture_default_str();
    app.add_option("--timeout", options.timeout_seconds,
                   "seconds to wait for an answer (else 5, with images 60)");
    app.add_flag("--json", options.json, "the answer as JSON");
    app.require_subcommand(1);
    app.fallthrough();  // options may stand behind the command as well
    app.add_subcommand("status", "what runs: image, devices, cores, memory");
    app.add_subcommand("stats", "packets by tenant, rule and port, and why packets were dropped");
    app.add_subcommand("drops", "dropped packets by place and reason, most first");
    app.add_subcommand("flows", "cached flows");
    app.add_subcommand("sessions", "sessions of the stateful routers");
    app.add_subcommand("neighbours", "ARP and ND entries");
    CLI::App* trace =
        app.add_subcommand("trace", "what would become of a packet, step by step; changes nothing");
    trace->add_option("--on", options.on, "where it enters")->type_name("TENANT/INTERFACE")->required();
    trace->add_option("--packet", options.packet, "such as \"tcp 198.18.0.9:40000 > 203.0.113.10:443\"")
        ->required();
    trace->add_option("--to", options.to, "the station that the frame is for; absent: the router")
        ->type_name("MAC");
    sluice::add_station_commands(app, options);
    sluice::add_image_commands(app, options.images);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? sluice::exit_done : sluice::exit_usage;
    }
    return sluice::ask(options, app.get_subcommands().front()->get_name());
}
