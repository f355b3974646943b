// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/rewrite.h"

#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/write_translation.h"

namespace sluice {

void decrement_ttl(std::uint8_t* l3, Family family, std::uint8_t count) noexcept {
    if (family == Family::v6) {
        l3[ipv6_hop_limit_at] = static_cast<std::uint8_t>(l3[ipv6_hop_limit_at] - count);
        return;
    }
    const std::uint16_t before = load16(l3 + ipv4_ttl_at);
    l3[ipv4_ttl_at] = static_cast<std::uint8_t>(l3[ipv4_ttl_at] - count);
    ChecksumDelta delta;
    delta.replace16(before, load16(l3 + ipv4_ttl_at));
    update_checksum(l3 + ipv4_checksum_at, delta.value());
}

void set_ipv4_id(std::uint8_t* l3, std::uint16_t id) noexcept {
    ChecksumDelta delta;
    delta.replace16(load16(l3 + ipv4_id_at), id);
    store16(l3 + ipv4_id_at, id);
    update_checksum(l3 + ipv4_checksum_at, delta.value());
}

}  // namespace sluice
