// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/geneve.h"

#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/vxlan.h"

namespace sluice {
namespace {

constexpr std::uint32_t fixed_bytes = 8;
constexpr std::uint8_t version_mask = 0xc0, option_words_mask = 0x3f, control = 0x80, critical = 0x40;

static_assert(fixed_bytes == vxlan_header_bytes);

}  // namespace

bool is_geneve(const IpView& outer) noexcept {
    return outer.protocol == protocol_udp && outer.destination_port == geneve_port && !outer.fragment;
}

std::variant<GeneveHeader, DropReason> parse_geneve(std::span<const std::uint8_t> payload) noexcept {
    if (payload.size() < fixed_bytes) return DropReason::SHORT;
    if ((payload[0] & version_mask) != 0) return DropReason::GENEVE_VERSION;
    const GeneveHeader header{load32(payload.data() + 4) >> 8,
                              fixed_bytes + (payload[0] & option_words_mask) * 4u};
    if ((payload[1] & control) != 0) return DropReason::GENEVE_CONTROL;
    if ((payload[1] & critical) != 0) return DropReason::GENEVE_CRITICAL;
    if (load16(payload.data() + 2) != geneve_protocol_ethernet) return DropReason::BAD_ETHERTYPE;
    if (payload.size() < header.bytes + ethernet_header_bytes) return DropReason::SHORT;
    return header;
}

void turn_into_geneve(std::uint8_t* udp) noexcept {
    store16(udp + 2, geneve_port);
    store32(udp + udp_header_bytes, geneve_plain);
}

}  // namespace sluice
