// SPDX-License-Identifier: Apache-2.0
//
// What a shard counts. The owner writes; the report is made by the owner's thread, or from a copy it handed
// out. Components: every port of the gateway ("gateway.PORT"), then for each tenant its service router
// ("TENANT.sr"), its distributed router ("TENANT.dr") and each of its interfaces ("TENANT.INTERFACE").
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/reasons.h"

namespace sluice {

using Component = std::uint32_t;

struct SlotChanges;

struct PacketCount {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // of frames, without FCS
    void add(std::uint64_t frame_bytes) {
        ++packets;
        bytes += frame_bytes;
    }
};

struct RuleCount {
    std::uint64_t sessions = 0;
    std::uint64_t packets =
        0;  // both directions of those sessions, and the packets the rule dropped or rejected
    std::uint64_t bytes = 0;
};

/// What packets count in is one line.
struct alignas(64) TenantCount {
    PacketCount rx;  // entered by one of its segments or uplinks
    PacketCount tx;  // left by one of them
    /// Packets that entered here and met no flow of theirs: known by their trace, or not; and the sessions that
    /// known ones opened.
    struct {
        std::uint64_t hits = 0, misses = 0, started = 0;
    } traces;
    std::uint64_t sessions = 0;    // that there are
    std::vector<RuleCount> rules;  // by slot; the default's at the end
};

struct Counters {
    explicit Counters(const Image& image) : Counters(image.port_names(), image.tenants()) {}
    Counters(std::span<const std::string_view> port_names, std::span<const TenantView> tenant_views);

    Component port_component(std::uint16_t port) const { return port; }
    Component service_router(std::uint16_t tenant) const { return first_component[tenant]; }
    Component distributed_router(std::uint16_t tenant) const { return first_component[tenant] + 1; }
    Component interface_component(std::uint16_t tenant, std::uint16_t interface) const {
        return first_component[tenant] + 2 + interface;
    }
    /// Slots of interfaces that the tenant has components for.
    std::uint16_t interfaces_of(std::uint16_t tenant) const {
        const std::size_t end =
            tenant + 1u < first_component.size() ? first_component[tenant + 1u] : component_names.size();
        return static_cast<std::uint16_t>(end - first_component[tenant] - 2);
    }
    void drop(Component component, DropReason reason) { ++drops[component][static_cast<std::size_t>(reason)]; }
    RuleCount& rule(std::uint16_t tenant, std::uint32_t rule_or_default) {
        auto& rules = tenants[tenant].rules;
        return rule_or_default < rules.size() ? rules[rule_or_default] : rules.back();
    }

    std::vector<PacketCount> rx, tx;  // by port
    std::uint64_t originated = 0, copies = 0, consumed = 0, held = 0;
    std::vector<std::array<std::uint64_t, drop_reason_count>> drops;  // by component
    std::vector<std::string> component_names;
    std::vector<Component> first_component;  // by tenant
    std::vector<TenantCount> tenants;
    struct {
        std::uint64_t flow_hits = 0, trace_hits = 0, pipeline_runs = 0, revalidated = 0;
        std::uint64_t invalidated = 0;  // flows whose next hop is not what it was
        std::array<std::uint64_t, nocache_reason_count> uncacheable{};
    } cache;
    struct {
        std::uint64_t created = 0, expired = 0, active = 0;
        std::uint64_t ended = 0;  // by a change of the policy
    } sessions;

    /// rx + originated + copies = tx + consumed + held + drops (C8).
    bool balanced() const;
    std::uint64_t total_drops() const;
    /// Goes on counting where `before` was, which is of no use afterwards. Costs as much as changed.
    void take_over(Counters& before, const SlotChanges& changes) noexcept;
    /// Adds another shard's counters of the same image.
    void add(const Counters& other);
};

}  // namespace sluice
