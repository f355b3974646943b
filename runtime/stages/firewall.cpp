// SPDX-License-Identifier: Apache-2.0
//
// Step 9 of a service router, for the first packet of a session: the first rule that matches, on inside
// addresses (behind destination NAT, before source NAT) and on zones (the interfaces it enters and leaves by).
// A service matches the port that the client asked for or the one that DNAT made of it: people name either (the
// language's own example publishes 443, forwards to 8443 and allows tcp/443).
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

constexpr std::uint32_t empty_mask = 0xffffffff;

struct Question {
    const TenantView& tenant;
    std::uint16_t from_zone, to_zone;
    const std::uint64_t* from_sets;  // the address class's membership
    const std::uint64_t* to_sets;
    std::uint8_t protocol;
    std::uint8_t family;
    std::uint16_t asked_port, real_port;  // ICMP: type << 8 | code, both
};

bool in_zone(const Question& question, std::uint32_t mask, std::uint16_t zone) {
    return mask != empty_mask && (question.tenant.masks[mask + zone / 64] >> (zone % 64) & 1) != 0;
}

bool in_set(const Question& question, std::uint32_t mask, const std::uint64_t* sets) {
    if (mask == empty_mask) return false;
    for (std::uint32_t word = 0; word < question.tenant.set_words; ++word) {
        if ((question.tenant.masks[mask + word] & sets[word]) != 0) return true;
    }
    return false;
}

bool matches(const Question& question, const image::Service& service) {
    if (service.protocol() != question.protocol) return false;
    if (service.family() != 0 && service.family() != question.family) return false;
    const auto within = [&](std::uint16_t port) { return service.low() <= port && port <= service.high(); };
    return within(question.asked_port) || within(question.real_port);
}

bool matches(const Question& question, const image::FirewallRule& rule) {
    if (rule.from_any() == 0 && !in_zone(question, rule.from_zones(), question.from_zone) &&
        !in_set(question, rule.from_sets(), question.from_sets)) {
        return false;
    }
    if (rule.to_any() == 0 && !in_zone(question, rule.to_zones(), question.to_zone) &&
        !in_set(question, rule.to_sets(), question.to_sets)) {
        return false;
    }
    if (rule.service_count() == 0) return true;
    for (const auto& service : question.tenant.services.subspan(rule.first_service(), rule.service_count())) {
        if (matches(question, service)) return true;
    }
    return false;
}

const std::uint64_t* sets_of(const TenantView& tenant, Ip ip, Family family) {
    const LpmView& classes = family == Family::v4 ? tenant.sets4 : tenant.sets6;
    return tenant.class_rows.data() + std::size_t{classes.lookup(ip)} * tenant.set_words;
}

}  // namespace

Exit apply_firewall(StageContext& context) {
    if (!context.decides()) return Exit::next;
    Hop& hop = *context.hop;
    const TenantView& tenant = *context.tenant;
    const IpView& ip = context.ip();
    const bool icmp = ip.protocol == protocol_icmp || ip.protocol == protocol_icmpv6;
    const auto icmp_port = static_cast<std::uint16_t>(ip.icmp_type << 8 | ip.icmp_code);
    const Question question{.tenant = tenant,
                            .from_zone = hop.in_interface,
                            .to_zone = hop.out_interface,
                            .from_sets = sets_of(tenant, context.current.source, ip.family),
                            .to_sets = sets_of(tenant, context.current.destination, ip.family),
                            .protocol = ip.protocol,
                            .family = static_cast<std::uint8_t>(ip.family),
                            .asked_port = icmp ? icmp_port : context.at_entry.destination_port,
                            .real_port = icmp ? icmp_port : context.current.destination_port};
    image::FirewallAction action =
        context.from_outside() ? tenant.default_action_from_uplink : tenant.default_action;
    for (std::uint32_t i = 0; i < tenant.rules.size(); ++i) {
        if (!matches(question, tenant.rules[i])) continue;
        hop.rule = tenant.rule_slot(i);
        action = tenant.rules[i].action();
        break;
    }
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
