// SPDX-License-Identifier: Apache-2.0
#include "tests/support/vxlan.h"

#include "tests/support/bytes.h"

namespace sluice::test {

Bytes in_vxlan(const Outer& outer, const Bytes& inner) {
    Bytes payload{outer.flags, 0, 0, 0};
    append32(payload, outer.vni << 8);
    append(payload, inner);
    return udp({.source_mac = outer.source_mac,
                .destination_mac = outer.destination_mac,
                .source = outer.source,
                .destination = outer.destination,
                .source_port = outer.source_port,
                .destination_port = outer.destination_port,
                .payload = payload,
                .tos = outer.tos,
                .dont_fragment = true,
                .no_udp_checksum = outer.no_udp_checksum});
}

Opened open_vxlan(const Bytes& frame) {
    constexpr std::size_t udp_and_vxlan_bytes = 16;
    Opened opened;
    opened.outer = decode(frame);
    const Decoded& outer = opened.outer;
    if (!outer.fault.empty()) {
        opened.fault = outer.fault;
    } else if (outer.kind() != Kind::udp || outer.destination_port() != 4789) {
        opened.fault = "not for a tunnel endpoint";
    } else if (!outer.dont_fragment || outer.ttl != 64 || outer.word(6) != 0) {
        opened.fault = "DF, TTL or UDP checksum";
    } else if (outer.l4.size() < udp_and_vxlan_bytes || outer.word(4) != outer.l4.size()) {
        opened.fault = "UDP length";
    } else if (get32(outer.l4, 8) != 0x08000000 || outer.byte(15) != 0) {
        opened.fault = "flags or reserved bits";
    }
    if (!opened.fault.empty()) return opened;
    opened.vni = get32(outer.l4, 12) >> 8;
    opened.inner.assign(outer.l4.begin() + udp_and_vxlan_bytes, outer.l4.end());
    return opened;
}

}  // namespace sluice::test
