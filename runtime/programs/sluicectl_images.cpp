// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/sluicectl_images.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "runtime/control/control_client.h"
#include "runtime/control/exit_codes.h"
#include "runtime/control/push.h"
#include "runtime/image/image_file.h"
#include "runtime/show/text_table.h"
#include "schemas/layout/image_header.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t digits_shown = 12;  // of a digest
constexpr auto pause_before_reconnecting = std::chrono::milliseconds(500);

/// On a terminal, once a push has taken a second.
class ProgressLine {
  public:
    ~ProgressLine() {
        if (shown_) fmt::print(stderr, "\r\033[K");
    }
    void show(std::uint64_t sent, std::uint64_t total) {
        if (!on_terminal_ || Clock::now() < next_) return;
        next_ = Clock::now() + std::chrono::milliseconds(200);
        shown_ = true;
        fmt::print(stderr, "\rpushed {} of {} MiB ({} %)", sent >> 20, total >> 20, sent * 100 / total);
    }

  private:
    bool on_terminal_ = isatty(STDERR_FILENO) != 0;
    bool shown_ = false;
    Clock::time_point next_ = Clock::now() + std::chrono::seconds(1);
};

std::string short_digest(const Json& digest) {
    const std::string text = digest.get<std::string>();
    return text.empty() ? "-" : text.substr(0, digits_shown);
}

std::string day_and_time(const Json& seconds) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S}Z",
                       fmt::gmtime(static_cast<std::time_t>(seconds.get<std::int64_t>())));
}

std::string or_dash(const Json& value) {
    const std::string text = value.get<std::string>();
    return text.empty() ? "-" : text;
}

std::string images(const Json& result) {
    std::string lines;
    if (const Json& running = result.at("running"); running.at("state") == "file") {
        lines = fmt::format("runs {}, started from a file\n", short_digest(running.at("digest")));
    }
    std::vector<TableRow> rows;
    for (const Json& image : result.at("images")) {
        rows.push_back({image.at("active").get<bool>() ? "*" : " ", short_digest(image.at("digest")),
                        image.at("state").get<std::string>(), image.at("revision").dump(),
                        short_digest(image.at("parent")), image.at("bytes").dump(), or_dash(image.at("key")),
                        day_and_time(image.at("pushed")), image.at("gateway").get<std::string>()});
    }
    if (rows.empty()) return lines + "no image was pushed\n";
    return lines +
           text_table({" ", "image", "state", "revision", "parent", "bytes", "key", "pushed", "gateway"},
                      rows) +
           text_of_last_return(result.at("last_return"));
}

void add_gate_limit(CLI::App& activate, CLI::Option& gate, ImageOptions& options, const std::string& name,
                    const std::string& help) {
    activate
        .add_option_function<double>(
            "--gate-" + name, [&options, name](const double& value) { options.gate_limits[name] = value; },
            help)
        ->check(CLI::Range(0.0, 1e6))
        ->needs(&gate);
}

std::string shadow_text(const Json& result) {
    if (result.at("image") == "") return "no shadow was started\n";
    std::string text =
        fmt::format("image {} {}: {} flows, {} would fare differently\n", short_digest(result.at("image")),
                    result.at("active").get<bool>() ? "judges" : "judged",
                    result.at("judged").get<std::uint64_t>(), result.at("different").get<std::uint64_t>());
    if (const auto left_out = result.at("left_out").get<std::uint64_t>(); left_out != 0) {
        text +=
            fmt::format("{} more came faster than they could be judged: sample fewer (--one-in)\n", left_out);
    }
    for (const Json& row : result.at("differences")) {
        text += fmt::format("{:>9}  {}\n           now:  {}\n           then: {}\n",
                            row.at("flows").get<std::uint64_t>(), row.at("example").get<std::string>(),
                            row.at("running").get<std::string>(), row.at("candidate").get<std::string>());
    }
    return text;
}

std::string gate_text(const Json& gate) {
    const auto window = [](const Json& figures) {
        double dropped = 0;
        for (const Json& share : figures.at("drops_percent")) dropped += share.get<double>();
        const Json& cycles = figures.at("cycles_a_packet");
        return fmt::format(
            "{} packets, {:.1f} % dropped, {:.1f} % of sessions failed, {:.1f} % from the caches, {}",
            figures.at("packets").get<std::uint64_t>(), dropped,
            figures.at("session_failures_percent").get<double>(),
            figures.at("cache_hits_percent").get<double>(),
            cycles.is_null() ? "no cycles" : fmt::format("{:.0f} cycles each", cycles.get<double>()));
    };
    return fmt::format("  before: {}\n  after:  {}\n{}", window(gate.at("before")), window(gate.at("after")),
                       gate.at("judged").get<bool>() ? "" : "  too few packets for a judgement\n");
}

}  // namespace

std::string text_of_last_return(const Json& last) {
    if (last.is_null()) return {};
    return fmt::format(
        "{}: image {} gave way to {}: {}\n", day_and_time(last.at("at")), short_digest(last.at("from")),
        last.at("to").get<std::string>().empty() ? "the one started from a file" : short_digest(last.at("to")),
        last.at("cause").get<std::string>());
}

bool is_image_command(const std::string& command) {
    return command == "push" || command == "images" || command == "activate" || command == "confirm" ||
           command == "rollback" || command == "gc" || command == "shadow";
}

void add_image_commands(CLI::App& app, ImageOptions& options) {
    auto* push =
        app.add_subcommand("push", "bring an image, and IMAGE.minisig where there is one, to the gateway");
    push->add_option("IMAGE", options.file, "what sluicec build wrote")->required();
    app.add_subcommand("images", "the images that the gateway has");
    auto* activate = app.add_subcommand("activate", "have packets follow an image that was pushed");
    activate->add_option("IMAGE", options.image, "its digest, or the beginning (else the image pushed last)");
    activate
        ->add_option("--confirm-within", options.confirm_within_seconds,
                     "go back to what is confirmed unless `sluicectl confirm` comes in time: 60s, 10m, 1h")
        ->transform(CLI::AsNumberWithUnit(std::map<std::string, unsigned>{{"s", 1}, {"m", 60}, {"h", 3600}}))
        ->check(CLI::Range(1u, 7u * 24 * 3600));
    auto* gate = activate->add_flag("--gate", options.gate,
                                    "compare drops, session failures, cache hits and cycles a packet before "
                                    "and after, and go back where one "
                                    "of them went too far");
    activate->add_option("--gate-seconds", options.gate_seconds, "how long it looks, before and after")
        ->check(CLI::Range(1u, 3600u))
        ->needs(gate)
        ->capture_default_str();
    add_gate_limit(*activate, *gate, options, "drops", "points of packets that each reason may drop more (1)");
    add_gate_limit(*activate, *gate, options, "failures", "points of sessions that may fail more (1)");
    add_gate_limit(*activate, *gate, options, "cache", "points of packets that the caches may serve less (10)");
    add_gate_limit(*activate, *gate, options, "cycles", "percent that a packet may cost more (100)");
    app.add_subcommand("confirm", "keep the image that was activated with --confirm-within");
    auto* rollback = app.add_subcommand("rollback", "go back to an image that was confirmed before");
    rollback->add_option("N", options.steps, "by so many images")->check(CLI::Range(1u, 1000u));
    auto* shadow = app.add_subcommand("shadow", "have another image judge new flows without touching them");
    shadow->require_subcommand(1);
    const auto add_action = [&](const std::string& name, const std::string& help) {
        return shadow->add_subcommand(name, help)->callback([&options, name] { options.shadow_action = name; });
    };
    auto* start = add_action("start", "begin");
    start->add_option("IMAGE", options.image, "its digest, or the beginning (else the image pushed last)");
    start->add_option("--one-in", options.shadow_one_in, "judge one new flow in so many")
        ->check(CLI::Range(1u, 1'000'000'000u))
        ->capture_default_str();
    add_action("status", "what it would do differently so far");
    add_action("stop", "end it, and what it would have done differently");
    auto* gc = app.add_subcommand("gc", "remove images that neither run nor were used last");
    gc->add_option("--keep", options.keep, "so many of those used last stay")->capture_default_str();
}

Json image_request(const std::string& command, const ImageOptions& options) {
    Json request{{"command", command}};
    if (command == "activate" && !options.image.empty()) request["image"] = options.image;
    if (command == "activate" && options.confirm_within_seconds != 0) {
        request["confirm_within_seconds"] = options.confirm_within_seconds;
    }
    if (command == "activate" && options.gate) {
        request["gate"] = options.gate_limits;
        request["gate"]["seconds"] = options.gate_seconds;
    }
    if (command == "shadow") {
        request["action"] = options.shadow_action;
        if (options.shadow_action == "start") {
            request["image"] = options.image;
            request["one_in"] = options.shadow_one_in;
        }
    }
    if (command == "rollback") request["steps"] = options.steps;
    if (command == "gc") request["keep"] = options.keep;
    return request;
}

Json push_file(const std::string& socket, unsigned timeout_seconds, const std::string& file) {
    const auto read = read_image_file(file);
    if (const auto* error = std::get_if<ImageError>(&read)) throw std::runtime_error(file + ": " + error->text);
    const auto bytes = std::get<SealedMemory>(read).bytes();
    if (bytes.size() < sizeof(ImageHeader)) throw std::runtime_error(file + ": too short for an image");
    std::ifstream signature_file(file + ".minisig", std::ios::binary);
    const std::string signature{std::istreambuf_iterator<char>(signature_file), {}};

    ControlConnection connection(socket);
    bool connected = false;
    ProgressLine line;
    return push_image(
        [&](const Json& request) {
            const auto answer = connection.ask(request.dump(), std::chrono::seconds(timeout_seconds));
            if (const auto* unreachable = std::get_if<ControlUnreachable>(&answer)) {
                if (connected) std::this_thread::sleep_for(pause_before_reconnecting);
                throw ConnectionLost(unreachable->reason);
            }
            connected = true;
            return Json::parse(std::get<std::string>(answer));
        },
        bytes, signature, [&](std::uint64_t sent, std::uint64_t total) { line.show(sent, total); });
}

std::string text_of_image_answer(const std::string& command, const Json& result) {
    if (command == "images") return images(result);
    if (command == "shadow") return shadow_text(result);
    if (command == "push") {
        return fmt::format("image {} is {}, revision {}{}\n", short_digest(result.at("digest")),
                           result.at("state").get<std::string>(), result.at("revision").dump(),
                           result.at("key") == "" ? "" : ", signed by " + result.at("key").get<std::string>());
    }
    if (command == "gc") {
        std::string lines;
        for (const Json& digest : result.at("removed")) lines += "removed " + short_digest(digest) + "\n";
        return lines.empty() ? "nothing to remove\n" : lines;
    }
    std::string text = fmt::format("image {} is active, {}", short_digest(result.at("digest")),
                                   result.at("state").get<std::string>());
    if (result.contains("confirm_seconds_left")) {
        text += fmt::format(": `sluicectl confirm` within {} s", result.at("confirm_seconds_left").dump());
    }
    text += "\n";
    return result.contains("gate") ? text + gate_text(result.at("gate")) : text;
}

}  // namespace sluice
