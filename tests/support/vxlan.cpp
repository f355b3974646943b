// SPDX-License-Identifier: Apache-2.0
#include "tests/support/vxlan.h"

#include "tests/support/bytes.h"

namespace sluice::test {

namespace {

Bytes in_tunnel(const Outer& outer, std::uint16_t port, const Bytes& payload) {
    return udp({.source_mac = outer.source_mac,
                .destination_mac = outer.destination_mac,
                .source = outer.source,
                .destination = outer.destination,
                .source_port = outer.source_port,
                .destination_port = port,
                .payload = payload,
                .tos = outer.tos,
                .dont_fragment = true,
                .no_udp_checksum = outer.no_udp_checksum});
}

Opened open_tunnel(const Bytes& frame, std::uint16_t port, std::uint32_t first_word) {
    constexpr std::size_t udp_and_header_bytes = 16;
    Opened opened;
    opened.outer = decode(frame);
    const Decoded& outer = opened.outer;
    if (!outer.fault.empty()) {
        opened.fault = outer.fault;
    } else if (outer.kind() != Kind::udp || outer.destination_port() != port) {
        opened.fault = "not for a tunnel endpoint";
    } else if (!outer.dont_fragment || outer.ttl != 64 || outer.word(6) != 0) {
        opened.fault = "DF, TTL or UDP checksum";
    } else if (outer.l4.size() < udp_and_header_bytes || outer.word(4) != outer.l4.size()) {
        opened.fault = "UDP length";
    } else if (get32(outer.l4, 8) != first_word || outer.byte(15) != 0) {
        opened.fault = "flags or reserved bits";
    }
    if (!opened.fault.empty()) return opened;
    opened.vni = get32(outer.l4, 12) >> 8;
    opened.inner.assign(outer.l4.begin() + udp_and_header_bytes, outer.l4.end());
    return opened;
}

}  // namespace

Bytes in_vxlan(const Outer& outer, const Bytes& inner) {
    Bytes payload{outer.flags, 0, 0, 0};
    append32(payload, outer.vni << 8);
    append(payload, inner);
    return in_tunnel(outer, outer.destination_port, payload);
}

Bytes in_geneve(const Outer& outer, const Bytes& inner, const GeneveFields& fields) {
    const auto words =
        fields.option_words != 0 ? fields.option_words : static_cast<std::uint8_t>(fields.options.size() / 4);
    Bytes payload{static_cast<std::uint8_t>(fields.version << 6 | words),
                  static_cast<std::uint8_t>((fields.control ? 0x80 : 0) | (fields.critical ? 0x40 : 0)),
                  static_cast<std::uint8_t>(fields.protocol >> 8), static_cast<std::uint8_t>(fields.protocol)};
    append32(payload, outer.vni << 8);
    append(payload, fields.options);
    append(payload, inner);
    return in_tunnel(outer, 6081, payload);
}

Opened open_vxlan(const Bytes& frame) {
    return open_tunnel(frame, 4789, 0x08000000);
}

Opened open_geneve(const Bytes& frame) {
    return open_tunnel(frame, 6081, 0x00006558);
}

}  // namespace sluice::test
