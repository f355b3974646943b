// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/nat_text.h"

#include <algorithm>

#include "compiler/sema/services.h"

namespace sluice::sema {

std::optional<AddressAndPorts> parse_address_and_ports(std::string_view text) {
    if (const auto ip = parse_ip(text)) return AddressAndPorts{*ip, std::nullopt};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto address = text.substr(0, colon);
    const bool has_brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
    if (has_brackets) address = address.substr(1, address.size() - 2);
    const auto ip = parse_ip(address);
    const auto ports = parse_port_range(text.substr(colon + 1));
    if (!ip || !ports || (ip->family == Family::v6) != has_brackets) return std::nullopt;
    return AddressAndPorts{*ip, ports};
}

std::optional<AddressRange> parse_address_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_ip(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_ip(text.substr(dash + 1));
    if (!first || !last || first->family != last->family || last->ip < first->ip) return std::nullopt;
    return AddressRange{*first, *last};
}

std::size_t address_count(const AddressRange& range, std::size_t limit) {
    if (range.first.family == Family::v4) {
        return std::min<std::size_t>(limit, range.last.ip.v4() - range.first.ip.v4()) + 1;
    }
    const bool carries = range.last.ip.lo < range.first.ip.lo;
    const std::uint64_t high = range.last.ip.hi - range.first.ip.hi - (carries ? 1 : 0);
    const std::uint64_t low = range.last.ip.lo - range.first.ip.lo;
    return high != 0 ? limit + 1 : static_cast<std::size_t>(std::min<std::uint64_t>(limit, low)) + 1;
}

Ip advance(const IpAndFamily& ip, std::uint64_t n) {
    if (ip.family == Family::v4) return Ip::from_v4(ip.ip.v4() + static_cast<std::uint32_t>(n));
    const std::uint64_t low = ip.ip.lo + n;
    return {ip.ip.hi + (low < n ? 1 : 0), low};
}

}  // namespace sluice::sema
