// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/rule_log.h"

#include <fmt/format.h>
#include <rte_ring_elem.h>

#include <chrono>
#include <stdexcept>

#include "runtime/programs/log.h"
#include "runtime/show/names.h"

namespace sluice {
namespace {

constexpr unsigned ring_events = 1024;
constexpr auto round_time = std::chrono::milliseconds(100);
constexpr unsigned lines_a_round = 10;  // a hundred a second

// The ring moves words of four bytes.
static_assert(sizeof(RuleEvent) % 4 == 0);

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

namespace {

void log_decision(const RuleEvent& event, const Image& image) {
    const TenantView& tenant = image.tenants()[event.packet.scope];
    const LogField fields[] = {{"SLUICE_TENANT", std::string(tenant.name)},
                               {"SLUICE_RULE", std::string(tenant.name_of_rule(event.rule))},
                               {"SLUICE_ACTION", std::string(verb(event.action))},
                               {"SLUICE_PACKET", describe(event.packet)}};
    log_event(LogLevel::info, describe(event, image), fields);
}

}  // namespace

void RuleLog::RingDeleter::operator()(rte_ring* ring) const {
    rte_ring_free(ring);
}

RuleLog::RuleLog(std::shared_ptr<const Image> image)
    : image_(std::move(image)),
      ring_(rte_ring_create_elem("rule_log", sizeof(RuleEvent), ring_events, SOCKET_ID_ANY,
                                 RING_F_SP_ENQ | RING_F_SC_DEQ)) {
    if (!ring_) throw std::runtime_error("no memory for the ring that rule events are logged through");
    thread_ = std::thread([this] { run(); });
}

RuleLog::~RuleLog() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
    drain(ring_events);
}

void RuleLog::follow(std::shared_ptr<const Image> image) {
    const std::lock_guard lock(image_mutex_);
    image_.swap(image);
}

void RuleLog::put(const Output& output) noexcept {
    std::uint64_t lost = output.events_left_out;
    for (const RuleEvent& event : output.events) {
        if (rte_ring_sp_enqueue_elem(ring_.get(), const_cast<RuleEvent*>(&event), sizeof event) != 0) ++lost;
    }
    if (lost != 0) left_out_.store(left_out_.load(std::memory_order_relaxed) + lost, std::memory_order_relaxed);
}

void RuleLog::run() {
    while (!stop_.load(std::memory_order_relaxed)) {
        drain(lines_a_round);
        std::this_thread::sleep_for(round_time);
    }
}

void RuleLog::drain(unsigned most_lines) {
    RuleEvent event;
    const std::lock_guard lock(image_mutex_);
    std::uint64_t too_many = 0;
    for (unsigned lines = 0; rte_ring_sc_dequeue_elem(ring_.get(), &event, sizeof event) == 0; ++lines) {
        if (lines < most_lines) {
            log_decision(event, *image_);
        } else {
            ++too_many;
        }
    }
    const std::uint64_t left_out = left_out_.load(std::memory_order_relaxed);
    too_many += left_out - left_out_told_;
    left_out_told_ = left_out;
    if (too_many != 0)
        log_warning(fmt::format("{} more decisions of rules with log: true, too many to write", too_many));
}

}  // namespace sluice
