// SPDX-License-Identifier: Apache-2.0
#include "tests/support/retarget/rewrite.h"

#include <algorithm>

namespace sluice::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t macs_length = 12;

std::uint16_t get16(std::span<const std::uint8_t> in, std::size_t at) {
    return static_cast<std::uint16_t>(in[at] << 8 | in[at + 1]);
}
void put16(std::span<std::uint8_t> out, std::size_t at, std::uint16_t value) {
    out[at] = static_cast<std::uint8_t>(value >> 8);
    out[at + 1] = static_cast<std::uint8_t>(value);
}

Ip read_ip(std::span<const std::uint8_t> bytes, Family family) {
    std::uint64_t words[2] = {};
    for (std::size_t i = 0; i < address_bits(family) / 8; ++i)
        words[i / 8] |= std::uint64_t{bytes[i]} << (56 - 8 * (i % 8));
    return {words[0], words[1]};
}
void write_ip(std::span<std::uint8_t> bytes, Family family, Ip ip) {
    for (std::size_t i = 0; i < address_bits(family) / 8; ++i)
        bytes[i] = static_cast<std::uint8_t>((i < 8 ? ip.hi : ip.lo) >> (56 - 8 * (i % 8)));
}

/// The splitmix64 finalizer: the same on every machine.
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

Ip hashed_host(const Prefix& to, Ip address) {
    const unsigned bits = std::min(16u, address_bits(to.family) - to.length);
    const std::uint64_t size = std::uint64_t{1} << bits;
    const std::uint64_t first = std::min<std::uint64_t>(16, size / 2), last = size - 1;
    const std::uint64_t number =
        first + mix(mix(address.hi) + address.lo) % std::max<std::uint64_t>(1, last - first);
    return to.family == Family::v4 ? Ip{to.ip.hi | number << 32, 0} : Ip{to.ip.hi, to.ip.lo | number};
}

Ip mapped(const std::vector<AddressMap>& maps, Ip address, Family family) {
    for (const auto& [from, to] : maps) {
        if (from.family != family || !from.contains(address)) continue;
        if (from.length == to.length) return to.ip | (address & ~prefix_mask(to.length));
        return hashed_host(to, address);
    }
    return address;
}

/// RFC 1624 equation 3, over all 16-bit words of both addresses.
std::uint16_t updated_checksum(std::uint16_t checksum, std::span<const std::uint8_t> before,
                               std::span<const std::uint8_t> after) {
    std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
    for (std::size_t i = 0; i < before.size(); i += 2) {
        sum += static_cast<std::uint16_t>(~get16(before, i));
        sum += get16(after, i);
    }
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

struct Layer4 {
    std::uint8_t protocol = 0;
    std::size_t at = 0;  // in the IP packet
};

/// Where layer 4 starts, unless this is a later fragment or the headers end before it.
std::optional<Layer4> layer4(std::span<const std::uint8_t> ip, Family family) {
    if (family == Family::v4) {
        if ((get16(ip, 6) & 0x1fff) != 0) return std::nullopt;
        return Layer4{ip[9], std::size_t{ip[0] & 15u} * 4};
    }
    constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, destination_options = 60;
    Layer4 found{ip[6], 40};
    while (found.protocol == hop_by_hop || found.protocol == routing || found.protocol == fragment ||
           found.protocol == destination_options) {
        if (ip.size() < found.at + 8) return std::nullopt;
        if (found.protocol == fragment && (get16(ip, found.at + 2) & 0xfff8) != 0) return std::nullopt;
        const std::size_t length = found.protocol == fragment ? 8 : (std::size_t{ip[found.at + 1]} + 1) * 8;
        found = {ip[found.at], found.at + length};
    }
    return found;
}

/// Offset of the checksum that covers the addresses.
std::optional<std::size_t> layer4_checksum(std::span<const std::uint8_t> ip, Family family) {
    constexpr std::uint8_t tcp = 6, udp = 17, icmpv6 = 58;
    const auto found = layer4(ip, family);
    if (!found) return std::nullopt;
    std::size_t at = found->at;
    if (found->protocol == tcp)
        at += 16;
    else if (found->protocol == udp)
        at += 6;
    else if (found->protocol == icmpv6 && family == Family::v6)
        at += 2;
    else
        return std::nullopt;
    if (at + 2 > ip.size()) return std::nullopt;
    if (found->protocol == udp && get16(ip, at) == 0) return std::nullopt;  // none was computed
    return at;
}

/// False where only_from or only_to leaves the packet out.
bool map_ip(const Retarget& how, std::span<std::uint8_t> ip, Family family) {
    const std::size_t width = address_bits(family) / 8;
    const std::size_t at = family == Family::v4 ? 12 : 8;
    const auto addresses = ip.subspan(at, 2 * width);
    const Ip source = read_ip(addresses, family), destination = read_ip(addresses.subspan(width), family);
    const auto outside = [family](const std::optional<Prefix>& only, Ip address) {
        return only && (only->family != family || !only->contains(address));
    };
    if (outside(how.only_from, source) || outside(how.only_to, destination)) return false;

    const Bytes before(addresses.begin(), addresses.end());
    write_ip(addresses, family, mapped(how.sources, source, family));
    write_ip(addresses.subspan(width), family, mapped(how.destinations, destination, family));
    if (family == Family::v4) put16(ip, 10, updated_checksum(get16(ip, 10), before, addresses));
    if (const auto checksum = layer4_checksum(ip, family))
        put16(ip, *checksum, updated_checksum(get16(ip, *checksum), before, addresses));
    return true;
}

bool is_tag(std::uint16_t ethertype) {
    return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

}  // namespace

std::optional<Bytes> retarget(const Retarget& how, std::span<const std::uint8_t> frame) {
    if (frame.size() < macs_length + 2) return Bytes(frame.begin(), frame.end());
    std::size_t type_at = macs_length;
    while (frame.size() >= type_at + 6 && is_tag(get16(frame, type_at))) type_at += 4;

    Bytes out(frame.begin(), frame.begin() + macs_length);
    if ((out[0] & 1) == 0) std::copy(how.gateway.bytes.begin(), how.gateway.bytes.end(), out.begin());
    for (std::size_t i = 0; i < how.vids.size(); ++i) {
        const std::uint16_t type = i + 1 < how.vids.size() ? 0x88a8 : 0x8100;
        for (const std::uint16_t value : {type, how.vids[i]}) {
            out.push_back(static_cast<std::uint8_t>(value >> 8));
            out.push_back(static_cast<std::uint8_t>(value));
        }
    }
    const std::size_t ip_at = out.size() + 2;
    out.insert(out.end(), frame.begin() + static_cast<std::ptrdiff_t>(type_at), frame.end());

    const std::uint16_t ethertype = get16(frame, type_at);
    const std::span<std::uint8_t> ip = std::span(out).subspan(ip_at);
    const bool v4 = ethertype == 0x0800 && ip.size() >= 20, v6 = ethertype == 0x86dd && ip.size() >= 40;
    if (v4 || v6) {
        if (!map_ip(how, ip, v4 ? Family::v4 : Family::v6)) return std::nullopt;
    } else if (how.only_from || how.only_to) {
        return std::nullopt;
    }
    return out;
}

}  // namespace sluice::test
