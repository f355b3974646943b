// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/health_gate.h"

#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

namespace sluice {
namespace {

// Flows are looked at again and sessions judged again: not yet what the image costs.
constexpr Time settling = nanoseconds_per_second;
// An unattended probation must not end before the gate has spoken.
constexpr Time spare = 60 * nanoseconds_per_second;

GateResult refused(std::string text) {
    return {.refused = StoreRefusal{StoreRefusal::Kind::refused, std::move(text)}};
}

}  // namespace

ShardHealth::ShardHealth(Shard& shard, Mailbox& mailbox, BurstWatch& watch)
    : shard_(shard), mailbox_(mailbox), watch_(watch) {
    if (!mailbox_.run([this] {
            watch_.meter = &meter_;
            return true;
        })) {
        throw std::runtime_error("the gateway is shutting down");
    }
}

ShardHealth::~ShardHealth() {
    // Where that is not done any more, the packet thread has ended.
    mailbox_.run([this] {
        watch_.meter = nullptr;
        return true;
    });
}

Vitals ShardHealth::read() {
    Vitals vitals;
    mailbox_.run([&] {
        vitals.add(shard_.counters_so_far());
        vitals.metered = meter_.packets;
        vitals.cycles = meter_.cycles;
        return true;
    });
    return vitals;
}

bool ShardHealth::wait(Time time) {
    constexpr Time step = nanoseconds_per_second / 10;
    for (Time passed = 0; passed < time; passed += step) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(step, time - passed)));
        if (!mailbox_.run([] { return true; })) return false;
    }
    return true;
}

Lifecycle::Now ShardHealth::now() {
    const auto since = [](auto time) { return std::chrono::nanoseconds(time.time_since_epoch()).count(); };
    return {static_cast<Time>(since(std::chrono::steady_clock::now())),
            since(std::chrono::system_clock::now()) / static_cast<std::int64_t>(nanoseconds_per_second)};
}

nlohmann::ordered_json GateResult::json() const {
    return {{"window_seconds", window_seconds},
            {"before", before->json()},
            {"after", after->json()},
            {"judged", can_judge(*before, *after)},
            {"tripped", tripped ? nlohmann::ordered_json(*tripped) : nlohmann::ordered_json()}};
}

GateResult activate_through_gate(Lifecycle& lifecycle, HealthSource& source, const GateLimits& limits,
                                 const std::string& digest, std::optional<Time> confirm_within) {
    const char* const ending = "the gateway is shutting down";
    const Time window = limits.window_seconds * nanoseconds_per_second;
    if (auto why = lifecycle.refuses_to_activate(digest, source.now())) return {.refused = std::move(why)};
    const Vitals first = source.read();
    if (!source.wait(window)) return refused(ending);
    GateResult result{.before = Health(first, source.read()), .window_seconds = limits.window_seconds};
    const Time probation = std::max(confirm_within.value_or(0), window + settling + spare);
    if (auto why = lifecycle.activate(digest, probation, source.now())) return {.refused = std::move(why)};
    if (!source.wait(settling)) return refused(ending);
    const Vitals second = source.read();
    if (!source.wait(window)) return refused(ending);
    result.after = Health(second, source.read());
    result.tripped = tripped(*result.before, *result.after, limits);
    if (result.tripped) {
        const std::string cause = "the health gate tripped: " + *result.tripped;
        result.refused = lifecycle.give_up(cause, source.now());
        if (!result.refused) result.refused = StoreRefusal{StoreRefusal::Kind::refused, cause};
    } else if (!confirm_within) {
        result.refused = lifecycle.confirm();
    }
    return result;
}

}  // namespace sluice
