// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "runtime/packet/build.h"
#include "runtime/packet/build_ip.h"
#include "runtime/packet/bytes.h"

namespace sluice {
namespace {

struct TypeAndCode {
    std::uint8_t type, code;
};

constexpr TypeAndCode icmpv4_of(IcmpError error) {
    switch (error) {
        case IcmpError::net_unreachable:
            return {3, 0};
        case IcmpError::host_unreachable:
            return {3, 1};
        case IcmpError::port_unreachable:
            return {3, 3};
        case IcmpError::admin_prohibited:
            return {3, 13};
        case IcmpError::packet_too_big:
            return {3, 4};
        case IcmpError::ttl_exceeded:
            return {11, 0};
        case IcmpError::reassembly_timeout:
            return {11, 1};
    }
    return {3, 1};
}

constexpr TypeAndCode icmpv6_of(IcmpError error) {
    switch (error) {
        case IcmpError::net_unreachable:
            return {1, 0};
        case IcmpError::host_unreachable:
            return {1, 3};
        case IcmpError::port_unreachable:
            return {1, 4};
        case IcmpError::admin_prohibited:
            return {1, 1};
        case IcmpError::packet_too_big:
            return {2, 0};
        case IcmpError::ttl_exceeded:
            return {3, 0};
        case IcmpError::reassembly_timeout:
            return {3, 1};
    }
    return {1, 3};
}

constexpr std::uint32_t longest_icmpv4_error = 576, longest_icmpv6_error = 1280;
/// Internetwork control (RFC 1812 4.3.2.5).
constexpr std::uint8_t tos_internetwork_control = 0xc0;

}  // namespace

std::uint32_t build_icmp_error(IcmpError error, Family family, Ip source, Ip destination, std::uint16_t mtu,
                               std::span<const std::uint8_t> offending, std::span<std::uint8_t> out) noexcept {
    const bool v4 = family == Family::v4;
    const std::uint32_t headers = own_header_bytes(family) + icmp_header_bytes;
    if (out.size() < headers) return 0;
    const std::size_t room =
        std::min<std::size_t>(out.size(), v4 ? longest_icmpv4_error : longest_icmpv6_error);
    const std::size_t quoted = std::min(offending.size(), room - headers);
    const auto length = static_cast<std::uint32_t>(icmp_header_bytes + quoted);
    const OwnPacket packet{.family = family,
                           .source = source,
                           .destination = destination,
                           .protocol = v4 ? protocol_icmp : protocol_icmpv6,
                           .tos = v4 ? tos_internetwork_control : std::uint8_t{0}};
    std::uint8_t* icmp = write_ip_header(packet, length, out.data());
    const TypeAndCode kind = v4 ? icmpv4_of(error) : icmpv6_of(error);
    icmp[0] = kind.type;
    icmp[1] = kind.code;
    // RFC 1191 4 keeps the MTU in the lower 16 bits, RFC 4443 3.2 in all 32.
    store32(icmp + 4, error == IcmpError::packet_too_big ? mtu : 0);
    if (quoted > 0) std::memcpy(icmp + icmp_header_bytes, offending.data(), quoted);
    fill_l4_checksum(packet, icmp, length, icmp_checksum_at);
    return own_header_bytes(family) + length;
}

}  // namespace sluice
