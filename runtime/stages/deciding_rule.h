// SPDX-License-Identifier: Apache-2.0
//
// Which firewall rule decides about a packet, by classes alone: two packets with the same question have the
// same answer, so the question can key a memo. Any thread, read only. Cost: two longest-prefix matches and two
// short reads for the question, one look-up in the classifier for the answer, two where DNAT changed the port.
#pragma once

#include <cstdint>

#include "runtime/image/image.h"
#include "runtime/state/session_table.h"

namespace sluice {

struct FirewallQuestion {
    std::uint32_t source_class = 0;
    std::uint32_t destination_class = 0;
    // A service matches the port that the client asked for or the one that DNAT made of it: people name either
    // (the language's own example publishes 443, forwards to 8443 and allows tcp/443).
    std::uint16_t asked_service = 0;
    std::uint16_t real_service = 0;
    std::uint16_t from_zone = 0;
    std::uint16_t to_zone = 0;
    friend bool operator==(const FirewallQuestion&, const FirewallQuestion&) = default;
};

/// What the firewall looks at, with inside addresses (behind destination NAT, before source NAT).
struct FirewallPacket {
    Ip source, destination;
    Family family{};
    std::uint8_t protocol = 0;
    std::uint16_t asked_port = 0, real_port = 0;  // ICMP: type << 8 | code, both
    std::uint16_t in_interface = 0, out_interface = 0;
};

/// For a tenant that has rules.
inline FirewallQuestion question_of(const TenantView& tenant, const FirewallPacket& packet) noexcept {
    const ServiceMapView services = tenant.service_classes();
    const std::uint16_t asked = services.lookup(packet.family, packet.protocol, packet.asked_port);
    const std::uint16_t real = packet.real_port == packet.asked_port
                                   ? asked
                                   : services.lookup(packet.family, packet.protocol, packet.real_port);
    return {.source_class = tenant.address_class(packet.source, packet.family),
            .destination_class = tenant.address_class(packet.destination, packet.family),
            .asked_service = asked,
            .real_service = real,
            .from_zone = tenant.from_zones[packet.in_interface],
            .to_zone = tenant.to_zones[packet.out_interface]};
}

/// The first rule that matches; classifier_no_rule where none does.
inline std::uint32_t deciding_rule(const TenantView& tenant, const FirewallQuestion& question) noexcept {
    ClassifierKey key{question.source_class, question.destination_class, question.asked_service,
                      question.from_zone, question.to_zone};
    const std::uint32_t rule = tenant.classifier.lookup(key);
    if (question.real_service == question.asked_service) return rule;
    key[2] = question.real_service;
    return tenant.classifier.lookup(key, rule);
}

/// What deciding_rule() says, with what is needed of that rule.
struct RuleAnswer {
    std::uint32_t rule = classifier_no_rule;  // its position
    std::uint32_t slot = default_rule;
    image::FirewallAction action{};  // where there is a rule; without one the tenant's default counts
    bool logs = false;
    friend bool operator==(const RuleAnswer&, const RuleAnswer&) = default;
};

inline RuleAnswer answer_to(const TenantView& tenant, const FirewallQuestion& question) noexcept {
    const std::uint32_t rule = deciding_rule(tenant, question);
    if (rule == classifier_no_rule) return {};
    const image::FirewallRule& row = tenant.rules[rule];
    return {rule, tenant.rule_slot(rule), row.action(), row.log() != 0};
}

}  // namespace sluice
