// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/gateway_answers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "runtime/control/exit_codes.h"
#include "runtime/control/report.h"
#include "runtime/control/tables.h"
#include "runtime/packet/packet_text.h"
#include "runtime/programs/image_source.h"
#include "runtime/programs/packet_loop.h"
#include "runtime/show/path_report.h"
#include "runtime/show/switch_report.h"
#include "schemas/layout/hexadecimal.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

// Copied between two bursts: a few microseconds.
constexpr std::uint32_t sessions_a_slice = 64;
constexpr std::uint32_t neighbours_a_slice = 256;
constexpr std::uint32_t flows_a_slice = 256;

std::string one_line(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string refusal(const std::string& text, int exit_code = exit_refused) {
    return one_line(Json{{"ok", false}, {"error", text}, {"exit", exit_code}});
}

/// What `result` returns, or why not.
template <typename Result>
std::string respond(Result&& result) {
    try {
        Json response;
        response["ok"] = true;
        response["result"] = result();
        return one_line(response);
    } catch (const CommandRefused& refused) {
        return refusal(refused.what(), refused.exit_code);
    } catch (const StoreFailure& failure) {
        return refusal(failure.what(), exit_failed);
    } catch (const std::exception& error) {
        return refusal(error.what());
    }
}

}  // namespace

ControlAnswer GatewayAnswers::answer(const std::string& request) {
    Json parsed = Json::parse(request, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("command") || !parsed["command"].is_string()) {
        return refusal("a request is one line of JSON such as {\"command\": \"status\"}");
    }
    std::string command = parsed["command"].get<std::string>();
    if (command == "trace") return respond([&] { return trace(parsed); });
    if (command == "station") return respond([&] { return station(parsed); });
    if (!ImageCommands::knows(command)) return respond([&] { return look(command); });
    return [this, about = std::move(parsed)] { return respond([&] { return work_on_images(about); }); };
}

Json GatewayAnswers::look(const std::string& command) {
    if (command == "status") return status();
    if (command == "stats") return stats();
    if (command == "drops") return drops();
    if (command == "sessions") return sessions();
    if (command == "neighbours") return neighbours();
    if (command == "flows") return flows();
    throw std::invalid_argument("unknown command \"" + command +
                                "\"; there are status, stats, drops, flows, sessions, neighbours, trace, "
                                "station, images, push, activate, confirm, rollback, shadow and gc");
}

Json GatewayAnswers::work_on_images(const Json& request) {
    if (images_ == nullptr) {
        throw CommandRefused("the gateway keeps no images: its host file names no images.directory",
                             exit_refused);
    }
    return images_->answer(request, {PacketLoop::now(), wall_seconds()});
}

void GatewayAnswers::on_packet_thread(const MailboxJob& job) {
    if (!mailbox_.run(job)) throw std::runtime_error("the gateway is shutting down");
}

ImagePointer GatewayAnswers::image() const {
    const auto held = live_.hold();
    return image_;
}

Json GatewayAnswers::status() const {
    const ImagePointer image = this->image();
    Json json;
    json["gateway"] = image->gateway();
    json["version"] = SLUICE_VERSION;
    json["process"] = getpid();
    json["image"] = {{"file", facts_.image_file}, {"digest", hexadecimal(image->digest())}};
    if (images_ != nullptr) {
        const ImageCommands::Shown shown = images_->shown();
        json["image"].update(*shown.running);
        if (json["image"]["state"] != "file") {
            json["image"]["file"] =
                facts_.images_directory + "/" + json["image"]["digest"].get<std::string>() + ".img";
        }
        json["last_return"] = *shown.last_return;
    }
    json["uptime_seconds"] = (PacketLoop::now() - facts_.started) / nanoseconds_per_second;
    const StartKind& start = facts_.start;
    json["start"] = {{"warm", start.warm},
                     {"sessions", start.resumed.sessions},
                     {"lost_sessions", start.resumed.lost_sessions},
                     {"neighbours", start.resumed.neighbours},
                     {"silence_seconds", static_cast<double>(start.silence) / nanoseconds_per_second},
                     {"why_cold", start.why_cold}};
    json["cores"] = facts_.cores;
    json["hugepages"] = facts_.hugepages;
    json["cache"] = facts_.cache;
    json["when_idle"] = facts_.sleeps_when_idle ? "sleep" : "spin";
    json["telemetry_socket"] = facts_.telemetry_socket;
    Json ports = Json::object();
    for (const auto& port : ports_) {
        const DeviceDescription device = port->describe_device();
        Json& entry = ports[port->name()];
        entry["device"] = device.device;
        entry["driver"] = device.driver;
        entry["link"] = device.link_up ? "up" : "down";
        entry["megabits"] = device.link_megabits;
        entry["mtu"] = device.mtu;
    }
    json["ports"] = std::move(ports);
    return json;
}

// Made here, so that the packet thread only copies into memory that is there already.
Counters GatewayAnswers::fetch_counters(const Image& image) {
    Counters copy(image);
    on_packet_thread([&] {
        if (!shard_.fold_some(flows_a_slice)) return false;
        copy = shard_.counters_so_far();
        return true;
    });
    return copy;
}

Json GatewayAnswers::stats() {
    auto held = live_.hold();
    const ImagePointer image = image_;
    const Counters counters = fetch_counters(*image);
    std::vector<DeviceCounters> devices(ports_.size());
    on_packet_thread([&] {
        for (std::size_t port = 0; port < ports_.size(); ++port) devices[port] = ports_[port]->counters();
        return true;
    });
    held.unlock();
    Json json = counters_report(*image, counters);
    Json ports = Json::object();
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        Json& entry = ports[ports_[port]->name()];
        entry["rx_packets"] = counters.rx[port].packets;
        entry["rx_bytes"] = counters.rx[port].bytes;
        entry["rx_unusable"] = devices[port].rx_unusable;
        entry["rx_missed"] = ports_[port]->describe_device().rx_missed;
        entry["tx_packets"] = counters.tx[port].packets;
        entry["tx_bytes"] = counters.tx[port].bytes;
        entry["tx_failed"] = devices[port].tx_failed;
    }
    json["ports"] = std::move(ports);
    return json;
}

Json GatewayAnswers::drops() {
    const auto held = live_.hold();
    return drops_report(fetch_counters(*image_));
}

Json GatewayAnswers::sessions() {
    auto held = live_.hold();
    const ImagePointer image = image_;
    const SessionTable* table = nullptr;
    std::uint32_t count = 0;
    on_packet_thread([&] {
        table = &shard_.sessions();
        count = table->size();
        return true;
    });
    std::vector<Session> copies;
    // Some may be opened meanwhile; those beyond are left out.
    copies.reserve(std::size_t{count} + count / 8 + sessions_a_slice);
    std::uint32_t next = 0;
    on_packet_thread([&] {
        const std::uint32_t end = std::min(next + sessions_a_slice, table->capacity());
        for (; next < end; ++next) {
            if (!table->live(next) || copies.size() == copies.capacity()) continue;
            copies.push_back(table->snapshot(table->ref_of(next)));
        }
        return next == table->capacity();
    });
    held.unlock();
    return sessions_json(*image, copies, PacketLoop::now());
}

Json GatewayAnswers::neighbours() {
    auto held = live_.hold();
    const ImagePointer image = image_;
    const NeighbourTable& table = shard_.neighbours();
    std::vector<Neighbour> copies;
    copies.reserve(table.capacity());
    std::uint32_t next = 0;
    on_packet_thread([&] {
        const std::uint32_t end = std::min(next + neighbours_a_slice, table.capacity());
        for (; next < end; ++next) {
            if (table[next].state != NeighbourState::none) copies.push_back(table[next]);
        }
        return next == table.capacity();
    });
    held.unlock();
    return neighbours_json(*image, copies, PacketLoop::now());
}

Json GatewayAnswers::trace(const Json& request) {
    const auto text_of = [&](const char* key) {
        const auto found = request.find(key);
        if (found == request.end() || !found->is_string()) {
            throw std::invalid_argument(fmt::format("trace needs \"{}\"", key));
        }
        return found->get<std::string>();
    };
    const std::string on = text_of("on"), packet = text_of("packet");
    PacketTextError error;
    const auto text = parse_packet_text(packet, Wildcards::refused, error);
    if (!text) throw CommandRefused(error.words, exit_usage);
    auto held = live_.hold();
    const ImagePointer image = image_;
    const auto ingress = interface_named(*image, on);
    if (!ingress) {
        throw CommandRefused(fmt::format("the image has no interface \"{}\": write TENANT/INTERFACE", on),
                             exit_usage);
    }
    if (request.contains("to")) {
        const auto mac = parse_mac(text_of("to"));
        if (!mac) throw CommandRefused(fmt::format("\"{}\" is no MAC", text_of("to")), exit_usage);
        if (!is_for_router(*image, *ingress, *mac)) {
            SwitchRun run;
            on_packet_thread([&] {
                shard_.dry_switch(*ingress, *mac, run);
                return true;
            });
            held.unlock();
            return switch_report(*image, run);
        }
    }
    DryRun run;
    on_packet_thread([&] {
        shard_.dry_run(first_packet_of(*text), *ingress, run);
        return true;
    });
    held.unlock();
    return path_report(*image, run);
}

Json GatewayAnswers::flows() {
    auto held = live_.hold();
    const ImagePointer image = image_;
    std::vector<FlowSummary> flows;
    flows.reserve(shard_.flow_places());
    std::uint32_t next = 0;
    on_packet_thread([&] {
        const std::uint32_t end = std::min(next + flows_a_slice, shard_.flow_places());
        for (; next < end; ++next) {
            if (const auto flow = shard_.flow(next)) flows.push_back(*flow);
        }
        return next == shard_.flow_places();
    });
    held.unlock();
    return flows_json(*image, flows, PacketLoop::now());
}

}  // namespace sluice
