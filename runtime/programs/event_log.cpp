// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/event_log.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "runtime/programs/log.h"
#include "runtime/show/names.h"

namespace sluice {
namespace {

constexpr unsigned ring_events = 1024;
constexpr unsigned ring_blocks = 1u << 16;  // what ends together after a quiet hour
constexpr auto round_time = std::chrono::milliseconds(100);
constexpr unsigned lines_a_round = 10;  // a hundred a second

std::string_view verb(image::FirewallAction action) {
    switch (action) {
        case image::FirewallAction::Allow:
            return "allow";
        case image::FirewallAction::Drop:
            return "drop";
        case image::FirewallAction::Reject:
            return "reject";
    }
    return "?";
}

}  // namespace

std::string describe(const RuleEvent& event, const Image& image) {
    const TenantView& tenant = image.tenants()[event.packet.scope];
    return fmt::format("rule {}/{} {}: {}", tenant.name, tenant.name_of_rule(event.rule), verb(event.action),
                       describe(event.packet));
}

static std::string ports_of(const BlockEvent& event) {
    const std::string external = to_string(event.external, event.external_family);
    const std::string host = event.external_family == Family::v4 ? external : "[" + external + "]";
    return fmt::format("{}:{}-{}", host, event.first_port, event.last_port);
}

std::string describe(const BlockEvent& event, const Image& image) {
    return fmt::format("ports {} {} {} {}", image.tenants()[event.tenant].name,
                       to_string(event.host, event.family), event.taken ? "takes" : "gives back",
                       ports_of(event));
}

namespace {

void write(const RuleEvent& event, const Image& image) {
    const TenantView& tenant = image.tenants()[event.packet.scope];
    const LogField fields[] = {{"SLUICE_TENANT", std::string(tenant.name)},
                               {"SLUICE_RULE", std::string(tenant.name_of_rule(event.rule))},
                               {"SLUICE_ACTION", std::string(verb(event.action))},
                               {"SLUICE_PACKET", describe(event.packet)}};
    log_event(LogLevel::info, describe(event, image), fields);
}

void write(const BlockEvent& event, const Image& image) {
    const LogField fields[] = {{"SLUICE_TENANT", std::string(image.tenants()[event.tenant].name)},
                               {"SLUICE_HOST", to_string(event.host, event.family)},
                               {"SLUICE_PORTS", ports_of(event)},
                               {"SLUICE_BLOCK", event.taken ? "taken" : "given-back"}};
    log_event(LogLevel::info, describe(event, image), fields);
}

}  // namespace

template <typename Event>
EventRing<Event>::EventRing(const char* name, unsigned events)
    : ring_(rte_ring_create_elem(name, sizeof(Event), events, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ)) {
    static_assert(sizeof(Event) % 4 == 0);  // the ring moves words of four bytes
    if (ring_ == nullptr) throw std::runtime_error(fmt::format("no memory for the ring {}", name));
}

template <typename Event>
void EventRing<Event>::put(std::span<const Event> events, std::uint64_t lost) noexcept {
    for (const Event& event : events) {
        if (rte_ring_sp_enqueue_elem(ring_, const_cast<Event*>(&event), sizeof event) != 0) ++lost;
    }
    if (lost != 0) lost_.store(lost_.load(std::memory_order_relaxed) + lost, std::memory_order_relaxed);
}

EventLog::EventLog(std::shared_ptr<const Image> image)
    : image_(std::move(image)), decisions_("rule_events", ring_events), blocks_("block_events", ring_blocks) {
    thread_ = std::thread([this] { run(); });
}

EventLog::~EventLog() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
    drain(ring_events);
}

void EventLog::follow(std::shared_ptr<const Image> image) {
    const std::lock_guard lock(image_mutex_);
    image_.swap(image);
}

void EventLog::put(const Output& output) noexcept {
    decisions_.put(output.events, output.events_left_out);
    blocks_.put(output.blocks, output.blocks_left_out);
}

void EventLog::run() {
    while (!stop_.load(std::memory_order_relaxed)) {
        drain(lines_a_round);
        std::this_thread::sleep_for(round_time);
    }
}

void EventLog::drain(unsigned most_decisions) {
    const std::lock_guard lock(image_mutex_);
    BlockEvent block;
    while (blocks_.take(block)) write(block, *image_);
    if (const std::uint64_t lost = blocks_.newly_lost(); lost != 0) {
        log_warning(fmt::format("{} blocks of ports taken or given back found no room to be written", lost));
    }
    RuleEvent event;
    std::uint64_t too_many = 0;
    for (unsigned lines = 0; decisions_.take(event); ++lines) {
        if (lines < most_decisions) {
            write(event, *image_);
        } else {
            ++too_many;
        }
    }
    too_many += decisions_.newly_lost();
    if (too_many != 0)
        log_warning(fmt::format("{} more decisions of rules with log: true, too many to write", too_many));
}

}  // namespace sluice
