// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/build.h"
#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/write_translation.h"

namespace sluice {
namespace {

constexpr std::uint8_t ttl_of_replies = 64;

void set_ttl(std::uint8_t* l3, Family family) noexcept {
    if (family == Family::v6) {
        l3[ipv6_hop_limit_at] = ttl_of_replies;
        return;
    }
    ChecksumDelta delta;
    const std::uint16_t before = load16(l3 + ipv4_ttl_at);
    l3[ipv4_ttl_at] = ttl_of_replies;
    delta.replace16(before, load16(l3 + ipv4_ttl_at));
    update_checksum(l3 + ipv4_checksum_at, delta.value());
}

}  // namespace

void echo_request_to_reply(std::uint8_t* l3, const IpView& view) noexcept {
    // Swapped addresses leave every sum as it is.
    std::uint8_t* addresses = l3 + addresses_at(view.family);
    store_ip(addresses, view.destination, view.family);
    store_ip(addresses + address_bytes(view.family), view.source, view.family);
    set_ttl(l3, view.family);
    if (view.fragment_offset != 0) return;
    std::uint8_t* icmp = l3 + view.header_length;
    ChecksumDelta delta;
    const std::uint16_t before = load16(icmp);
    icmp[0] = view.family == Family::v4 ? icmp_echo_reply : icmpv6_echo_reply;
    delta.replace16(before, load16(icmp));
    update_checksum(icmp + icmp_checksum_at, delta.value());
}

}  // namespace sluice
