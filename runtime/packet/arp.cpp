// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/build.h"
#include "runtime/packet/bytes.h"

namespace sluice {
namespace {

// Hardware type Ethernet, protocol type IPv4, address lengths 6 and 4.
constexpr std::uint64_t ethernet_ipv4 = 0x0001'0800'0604;

}  // namespace

std::optional<Arp> parse_arp(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() < arp_bytes || load64(packet.data()) >> 16 != ethernet_ipv4) return std::nullopt;
    return Arp{.operation = load16(packet.data() + 6),
               .sender_mac = load_mac(packet.data() + 8),
               .target_mac = load_mac(packet.data() + 18),
               .sender_ip = load_ip(packet.data() + 14, Family::v4),
               .target_ip = load_ip(packet.data() + 24, Family::v4)};
}

std::uint32_t build_arp(const Arp& arp, std::span<std::uint8_t> out) noexcept {
    if (out.size() < arp_bytes) return 0;
    store64(out.data(), ethernet_ipv4 << 16 | arp.operation);
    store_mac(out.data() + 8, arp.sender_mac);
    store_ip(out.data() + 14, arp.sender_ip, Family::v4);
    store_mac(out.data() + 18, arp.target_mac);
    store_ip(out.data() + 24, arp.target_ip, Family::v4);
    return arp_bytes;
}

}  // namespace sluice
