// SPDX-License-Identifier: Apache-2.0
//
// sluice-replay: the runtime over captures. No root, no hugepages, no network device.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/control/exit_codes.h"
#include "runtime/control/report.h"
#include "runtime/image/load_to_run.h"
#include "runtime/programs/replay.h"

namespace sluice {
namespace {

struct Options {
    std::string image;
    std::vector<std::string> rx;
    std::string report;
    bool json = false;
    bool no_cache = false;
    std::uint16_t shards = 1;
    ReplaySettings settings;
};

void complain(const std::string& text) {
    std::fprintf(stderr, "sluice-replay: %s\n", text.c_str());
}

/// PORT=FILE to an input; empty text when it is one, else what is wrong with it.
std::string add_input(const std::string& text, const Image& image, std::vector<CaptureInput>& inputs) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
        return "--rx " + text + ": expected PORT=FILE";
    }
    const std::string name = text.substr(0, equals);
    const auto names = image.port_names();
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
        std::string known;
        for (const std::string_view port : names) known += (known.empty() ? "" : ", ") + std::string(port);
        return "--rx " + text + ": the image has no port \"" + name + "\", it has " + known;
    }
    inputs.push_back({static_cast<std::uint16_t>(found - names.begin()), text.substr(equals + 1)});
    return {};
}

bool write_report(const Options& options, const nlohmann::ordered_json& report) {
    const bool to_stdout = options.json || options.report == "-";
    if (to_stdout) {
        std::cout << json_text(report);
    } else if (options.report.empty()) {
        std::cout << summary_text(report);
    }
    if (!options.report.empty() && options.report != "-") {
        std::ofstream file(options.report, std::ios::binary);
        file << json_text(report);
        if (!file.flush()) {
            complain(options.report + ": the report could not be written");
            return false;
        }
    }
    return static_cast<bool>(std::cout.flush());
}

int replay(Options& options) {
    Image::Result loaded = load_to_run(options.image);
    if (const auto* error = std::get_if<ImageError>(&loaded)) {
        complain(options.image + ": " + error->text);
        return exit_code_for(*error);
    }
    const Image& image = *std::get<std::unique_ptr<const Image>>(loaded);
    for (const std::string& text : options.rx) {
        if (const std::string problem = add_input(text, image, options.settings.inputs); !problem.empty()) {
            complain(problem);
            return exit_usage;
        }
    }
    if (options.no_cache) options.settings.shard.cache = CacheTiers::none;
    options.settings.warn = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };

    Replay run(image, options.settings);
    bool good = run.run();
    const nlohmann::ordered_json report = counters_report(image, run.counters());
    good = write_report(options, report) && good;
    if (!run.counters().balanced()) {
        complain(
            "the packet balance does not hold; this is a bug in sluice, please report it with the captures");
        good = false;
    }
    return good ? exit_done : exit_failed;
}

}  // namespace
}  // namespace sluice

int main(int argument_count, char** arguments) {
    sluice::Options options;
    CLI::App app("Runs captures through an image, on the captures' own time.", "sluice-replay");
    app.footer(
        "Exit: 0 done; 1 something could not be read or written (named on stderr, the rest was processed);\n"
        "      2 usage; 4 the image is damaged; 5 it is of another version or for another CPU.");
    app.add_option("IMAGE", options.image, "what sluicec build wrote")->required();
    app.add_option("--rx", options.rx, "received on PORT: a pcap or pcapng file; any number")
        ->type_name("PORT=FILE")
        ->required();
    app.add_option("--out", options.settings.output_directory, "writes DIR/PORT.pcap for every port")
        ->type_name("DIR")
        ->required();
    app.add_option("--report", options.report, "counters as JSON; - is stdout; without it a summary is printed")
        ->type_name("FILE");
    app.add_flag("--json", options.json, "the report on stdout instead of the summary");
    app.add_flag("--no-cache", options.no_cache, "every packet runs the whole pipeline");
    app.add_option("--shards", options.shards, "packet threads to replay with")->capture_default_str();
    app.add_option("--seed", options.settings.shard.seed, "of the random choices (NAT ports, IP IDs)")
        ->capture_default_str();
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? sluice::exit_done : sluice::exit_usage;
    }
    if (options.shards != 1) {
        sluice::complain("--shards " + std::to_string(options.shards) +
                         ": this version replays with one shard");
        return sluice::exit_usage;
    }
    try {
        return sluice::replay(options);
    } catch (const std::exception& error) {
        sluice::complain(error.what());
        return sluice::exit_failed;
    }
}
