// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/image_commands.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "runtime/control/exit_codes.h"
#include "runtime/image/base64.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 9> commands = {
    "push-begin", "push-chunk", "push-finish", "images", "activate", "confirm", "rollback", "gc", "shadow"};

int exit_code_for(const StoreRefusal& refusal) {
    return refusal.kind == StoreRefusal::Kind::integrity ? exit_integrity : exit_refused;
}

template <typename Value>
Value value_or_throw(std::variant<Value, StoreRefusal> result) {
    if (const auto* error = std::get_if<StoreRefusal>(&result)) {
        throw CommandRefused(error->text, exit_code_for(*error));
    }
    return std::get<Value>(std::move(result));
}

void done_or_throw(const Lifecycle::Outcome& outcome) {
    if (outcome) throw CommandRefused(outcome->text, exit_code_for(*outcome));
}

Json json_of(const UploadState& state) {
    return {{"present", state.present}, {"offset", state.offset}};
}

}  // namespace

bool ImageCommands::knows(const std::string& command) {
    return std::ranges::find(commands, command) != commands.end();
}

ImageCommands::ImageCommands(ImageStore& store, Lifecycle& lifecycle, Lifecycle::Now now, MakeHealth health,
                             Shadow* shadow)
    : store_(store), lifecycle_(lifecycle), health_(std::move(health)), shadow_(shadow) {
    show(now);
}

void ImageCommands::tick(Lifecycle::Now now) {
    lifecycle_.tick(now);
    show(now);
}

void ImageCommands::show(Lifecycle::Now now) {
    Shown next{std::make_shared<const Json>(running(now.monotonic)),
               std::make_shared<const Json>(last_return()), store_.manifest().returns_by_reason, 0,
               lifecycle_.is_pending()};
    const ImageRecord* record =
        lifecycle_.running().in_store ? store_.manifest().find(lifecycle_.running().digest) : nullptr;
    if (record != nullptr) next.revision = record->revision;
    const std::lock_guard lock(shown_mutex_);
    shown_ = std::move(next);
}

ImageCommands::Shown ImageCommands::shown() const {
    const std::lock_guard lock(shown_mutex_);
    return shown_;
}

Json ImageCommands::answer(const Json& request, Lifecycle::Now now) {
    const std::string command = request.at("command").get<std::string>();
    if (command.starts_with("push-")) return push(request, now);
    if (command == "shadow") return shadow(request);
    if (command == "images") return images(now.monotonic);
    if (command == "gc") {
        return {{"removed", lifecycle_.collect_garbage(request.at("keep").get<std::size_t>())}};
    }
    if (command == "confirm") {
        done_or_throw(lifecycle_.confirm());
    } else if (command == "rollback") {
        done_or_throw(lifecycle_.rollback(request.value("steps", 1u), now));
    } else {
        Json figures = activate(request, now);
        Json json = running(now.monotonic);
        if (!figures.is_null()) json["gate"] = std::move(figures);
        return json;
    }
    return running(now.monotonic);
}

Json ImageCommands::activate(const Json& request, Lifecycle::Now now) {
    const std::string image = request.value("image", std::string());
    std::optional<Time> confirm_within;
    if (request.contains("confirm_within_seconds")) {
        confirm_within = request["confirm_within_seconds"].get<std::uint32_t>() * nanoseconds_per_second;
    }
    if (!request.contains("gate")) {
        done_or_throw(lifecycle_.activate(image, confirm_within, now));
        return nullptr;
    }
    if (!health_) throw CommandRefused("the gateway has no health gate", exit_refused);
    const GateLimits limits = GateLimits::from_json(request["gate"]);
    const auto source = health_();
    const GateResult result = activate_through_gate(lifecycle_, *source, limits, image, confirm_within);
    done_or_throw(result.refused);
    return result.json();
}

Json ImageCommands::shadow(const Json& request) {
    if (shadow_ == nullptr) throw CommandRefused("the gateway has no shadow mode", exit_refused);
    const std::string action = request.at("action").get<std::string>();
    if (action == "start") {
        const auto one_in = request.value("one_in", 1u);
        if (one_in == 0) throw CommandRefused("one flow in one or more is sampled", exit_refused);
        const ImageRecord record = value_or_throw(store_.find(request.value("image", std::string())));
        auto candidate = value_or_throw(store_.load(record.digest));
        if (!shadow_->start(std::move(candidate), record.digest, one_in)) {
            throw CommandRefused("a shadow is judging already: stop it first", exit_refused);
        }
    } else if (action == "stop") {
        if (!shadow_->stop()) throw CommandRefused("no shadow is judging", exit_refused);
    } else if (action != "status") {
        throw CommandRefused("shadow knows start, status and stop", exit_refused);
    }
    return shadow_->status();
}

Json ImageCommands::push(const Json& request, Lifecycle::Now now) {
    const std::string command = request.at("command").get<std::string>();
    const std::string digest = request.at("digest").get<std::string>();
    if (command == "push-begin") {
        return json_of(value_or_throw(store_.begin(digest, request.at("bytes").get<std::uint64_t>())));
    }
    if (command == "push-chunk") {
        const auto bytes = from_base64(request.at("data").get<std::string>());
        if (!bytes) throw CommandRefused("the data are not base64", exit_refused);
        return json_of(
            value_or_throw(store_.append(digest, request.at("offset").get<std::uint64_t>(), *bytes)));
    }
    const std::string signature = request.at("signature").get<std::string>();
    return image_json(value_or_throw(store_.finish(digest, signature, now.wall_seconds)));
}

std::string ImageCommands::state_of(const std::string& digest) const {
    const RunningImage& running = lifecycle_.running();
    if (running.in_store && running.digest == digest) return lifecycle_.is_pending() ? "pending" : "confirmed";
    const auto& history = store_.manifest().history;
    if (store_.manifest().confirmed() == digest) return "confirmed";
    return std::ranges::find(history, digest) == history.end() ? "staged" : "earlier";
}

Json ImageCommands::image_json(const ImageRecord& record) const {
    const RunningImage& running = lifecycle_.running();
    return {{"digest", record.digest},
            {"state", state_of(record.digest)},
            {"active", running.in_store && running.digest == record.digest},
            {"revision", record.revision},
            {"parent", record.parent},
            {"bytes", record.bytes},
            {"gateway", record.gateway},
            {"key", record.key},
            {"trusted_comment", record.trusted_comment},
            {"pushed", record.pushed}};
}

Json ImageCommands::images(Time now) const {
    std::vector<ImageRecord> records = store_.manifest().images;
    std::ranges::sort(records, std::greater<>(), &ImageRecord::used);
    Json rows = Json::array();
    for (const ImageRecord& record : records) rows.push_back(image_json(record));
    return {{"running", running(now)}, {"images", std::move(rows)}, {"last_return", last_return()}};
}

Json ImageCommands::running(Time now) const {
    const RunningImage& running = lifecycle_.running();
    Json json{{"digest", running.digest}, {"state", "file"}};
    const ImageRecord* record = running.in_store ? store_.manifest().find(running.digest) : nullptr;
    if (record == nullptr) return json;
    json["state"] = lifecycle_.is_pending() ? "pending" : "confirmed";
    json["revision"] = record->revision;
    json["key"] = record->key;
    if (lifecycle_.is_pending()) {
        // Rounded up: 0 means that it is over.
        json["confirm_seconds_left"] =
            (lifecycle_.left_to_confirm(now) + nanoseconds_per_second - 1) / nanoseconds_per_second;
    }
    return json;
}

Json ImageCommands::last_return() const {
    const auto& last = store_.manifest().last_return;
    if (!last) return nullptr;
    return {{"from", last->from},   {"to", last->to},
            {"cause", last->cause}, {"reason", name_of(last->reason)},
            {"at", last->at},       {"count", store_.manifest().returns}};
}

}  // namespace sluice
