// SPDX-License-Identifier: Apache-2.0
//
// Step 9 of a service router, for the first packet of a session: the first rule that matches, on inside
// addresses (behind destination NAT, before source NAT; with NAT64 as the IPv6 host knows them) and on zones
// (the interfaces it enters and leaves by).
#include "runtime/cache/rule_memo.h"
#include "runtime/stages/deciding_rule.h"
#include "runtime/stages/nat64.h"
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

RuleAnswer find_rule(const StageContext& context) {
    const TenantView& tenant = *context.tenant;
    if (tenant.rules.empty()) return {};
    const IpView& ip = context.ip();
    const Endpoints ends = inside_view(context);
    const bool icmp = ip.protocol == protocol_icmp || ip.protocol == protocol_icmpv6;
    const auto icmp_port = static_cast<std::uint16_t>(ip.icmp_type << 8 | ip.icmp_code);
    const FirewallQuestion question =
        question_of(tenant, {.source = ends.source,
                             .destination = ends.destination,
                             .family = ends.family,
                             .protocol = protocol_in(ends.family, ip.protocol),
                             .asked_port = icmp ? icmp_port : context.at_entry.destination_port,
                             .real_port = icmp ? icmp_port : context.current.destination_port,
                             .in_interface = context.hop->in_interface,
                             .out_interface = context.hop->out_interface});
    return context.memo != nullptr ? context.memo->decide(tenant, question) : answer_to(tenant, question);
}

}  // namespace

Exit apply_firewall(StageContext& context) {
    if (!context.decides()) return Exit::next;
    Hop& hop = *context.hop;
    const TenantView& tenant = *context.tenant;
    image::FirewallAction action =
        context.from_outside() ? tenant.default_action_from_uplink : tenant.default_action;
    const RuleAnswer answer = find_rule(context);
    hop.rule = answer.slot;
    if (answer.rule != classifier_no_rule) action = answer.action;
    record(context, StageId::firewall, hop.rule);
    if (action == image::FirewallAction::Allow) return Exit::next;
    context.trace.denied_by_firewall = true;
    if (action == image::FirewallAction::Drop) return drop(context, DropReason::FW_DENY);
    drop(context, DropReason::FW_REJECT, IcmpError::admin_prohibited);
    context.trace.fate = Fate::reject;
    context.trace.forbid_cache(NoCacheReason::REJECT);
    return Exit::done;
}

}  // namespace sluice
