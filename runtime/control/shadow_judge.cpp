// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/shadow_judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/control/entrance.h"
#include "runtime/show/names.h"
#include "runtime/stages/stage.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

ShadowVerdict dropped(std::string_view reason) {
    ShadowVerdict verdict;
    verdict.word = "drop";
    verdict.reason = reason;
    return verdict;
}

void name_rule(const Image& image, const Trace& trace, ShadowVerdict& verdict) {
    const auto end = trace.records.begin() + trace.record_count;
    const bool decided = std::any_of(trace.records.begin(), end,
                                     [](const Record& record) { return record.stage == StageId::firewall; });
    if (!decided || trace.hop_count == 0) return;
    // Of several routers the last one that was asked: where one says no, nobody is asked behind it.
    const Hop* hop = &trace.last_hop();
    while (hop != &trace.hops[0] && !image.tenants()[hop->tenant].has_firewall) --hop;
    const TenantView& tenant = image.tenants()[hop->tenant];
    verdict.tenant = tenant.name;
    verdict.rule = "default";
    if (tenant.table->file() != nullptr) verdict.file = tenant.table->file()->str();
    if (hop->rule == default_rule) return;
    verdict.rule = tenant.name_of_rule(hop->rule);
    if (const std::uint32_t at = tenant.rule_position(hop->rule); at != no_position) {
        verdict.line = tenant.rules[at].line();
    }
}

}  // namespace

std::string ShadowVerdict::text() const {
    std::string text = word;
    if (!rule.empty()) {
        text += fmt::format(" by {}.{}", tenant, rule);
        if (line != 0) text += fmt::format(" ({}:{})", file, line);
    } else if (!reason.empty()) {
        text += fmt::format(" ({})", reason);
    }
    if (!leaves.empty()) text += fmt::format(", out by {} as {}", leaves, becomes);
    return text;
}

ShadowJudge::ShadowJudge(std::shared_ptr<const Image> image, const HashKey& key)
    : image_(std::move(image)), key_(key), sessions_(1, key), nat_(*image_, 1, key) {}

ShadowVerdict ShadowJudge::judge(std::string_view port, const PacketView& arrived) {
    const auto names = image_->port_names();
    const auto slot = static_cast<std::uint16_t>(std::ranges::find(names, port) - names.begin());
    const Entrance entrance = entrance_of(*image_, slot, arrived);
    const image::Binding* binding = entrance.binding;
    if (binding == nullptr) return dropped(entrance.reason);
    const PacketView& packet = entrance.packet;
    const TenantView& entered = image_->tenants()[binding->tenant()];
    const std::uint16_t interface = entered.entered_by(entered.interface_position(binding->interface()));
    if (packet.l2.destination != from_image(entered.interfaces[interface].mac())) return dropped("NOT_OURS");

    Trace trace;
    run_pipeline(*image_, {sessions_, nat_, key_, links_}, {&packet, 1}, true, entered.ref(interface), trace);
    ShadowVerdict verdict;
    name_rule(*image_, trace, verdict);
    switch (trace.fate) {
        case Fate::forward: {
            const Hop& last = trace.last_hop();
            const TenantView& left = image_->tenants()[last.tenant];
            verdict.word = "allow";
            verdict.leaves = fmt::format("{}.{}", left.name, left.interface_names[last.out_interface]);
            verdict.becomes =
                describe(trace.leaving.tuple(0, protocol_in(trace.leaving.family, packet.ip.protocol)));
            break;
        }
        case Fate::echo:
            verdict.word = "allow";
            break;
        case Fate::reject:
        case Fate::unreachable:
            verdict.word = "reject";
            break;
        case Fate::drop:
        case Fate::no_session:
        case Fate::reassemble:
            verdict.word = "drop";
            verdict.reason = name_of(trace.reason);
            break;
    }
    return verdict;
}

}  // namespace sluice
