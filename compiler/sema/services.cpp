// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/services.h"

#include <fmt/format.h>

#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

constexpr std::uint8_t icmp = 1, tcp = 6, udp = 17, icmpv6 = 58;

std::optional<policy::Service> parse_icmp(std::uint8_t protocol, std::string_view kind, bool has_kind) {
    policy::Service service{protocol, static_cast<std::uint8_t>(protocol == icmp ? 4 : 6), 0, 65535};
    if (!has_kind) return service;
    const auto slash = kind.find('/');
    const auto type = parse_decimal(kind.substr(0, slash), 255);
    if (!type) return std::nullopt;
    service.low = static_cast<std::uint16_t>(*type << 8);
    service.high = static_cast<std::uint16_t>(*type << 8 | 0xff);
    if (slash == std::string_view::npos) return service;
    const auto code = parse_decimal(kind.substr(slash + 1), 255);
    if (!code) return std::nullopt;
    service.low = service.high = static_cast<std::uint16_t>(*type << 8 | *code);
    return service;
}

}  // namespace

bool is_service_word(std::string_view word) {
    return word == "tcp" || word == "udp" || word == "icmp" || word == "icmpv6" || word == "ip";
}

std::optional<policy::PortRange> parse_port_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto low = parse_decimal(text.substr(0, dash), 65535);
    const auto high = dash == std::string_view::npos ? low : parse_decimal(text.substr(dash + 1), 65535);
    if (!low || !high || *low > *high) return std::nullopt;
    return policy::PortRange{static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high)};
}

std::optional<policy::Service> parse_service(std::string_view text) {
    const auto slash = text.find('/');
    const auto word = text.substr(0, slash);
    const bool has_more = slash != std::string_view::npos;
    const auto more = has_more ? text.substr(slash + 1) : std::string_view();
    if (word == "icmp" || word == "icmpv6") return parse_icmp(word == "icmp" ? icmp : icmpv6, more, has_more);
    if (word == "tcp" || word == "udp") {
        policy::Service service{word == "tcp" ? tcp : udp, 0, 0, 65535};
        if (!has_more) return service;
        const auto range = parse_port_range(more);
        if (!range) return std::nullopt;
        service.low = range->low;
        service.high = range->high;
        return service;
    }
    if (word != "ip" || !has_more) return std::nullopt;
    const auto number = parse_decimal(more, 255);
    if (!number) return std::nullopt;
    const auto protocol = static_cast<std::uint8_t>(*number);
    if (protocol == icmp || protocol == icmpv6) return parse_icmp(protocol, {}, false);
    return policy::Service{protocol, 0, 0, 65535};
}

void read_services(Context& context, TenantScope& scope) {
    const auto* node = (*scope.object)["services"];
    if (node == nullptr) return;
    for (const auto& [name, value] : entries_of(context, *node, "services")) {
        if (!is_name(context, *name, "a service")) continue;
        if (is_service_word(name->text) || name->text == "any") {
            context.report(
                Code::reserved_name, name->span,
                fmt::format("a service cannot be called \"{}\": the language has that word", name->text));
            continue;
        }
        auto& named = scope.services[name->text];
        named.where = name->span;
        const auto items = items_of(*value);
        if (items.empty())
            context.report(Code::empty_list, value->span,
                           fmt::format("the service \"{}\" holds nothing", name->text));
        for (const auto* item : items) {
            if (!text_of(context, *item, "a service")) continue;
            const auto service = parse_service(item->text);
            if (service) {
                named.services.push_back(*service);
            } else {
                context
                    .report(Code::bad_service, item->span, fmt::format("\"{}\" is not a service", item->text))
                    .help(fmt::format("a service reads {}", service_forms));
            }
        }
    }
}

}  // namespace sluice::sema
