// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/build.h"
#include "runtime/packet/build_ip.h"
#include "runtime/packet/bytes.h"

namespace sluice {

// RFC 9293 3.10.7.1: a segment with ACK is answered with its acknowledgement as our sequence number, one
// without by acknowledging all that it took of the sequence space. A RST is never answered.
std::uint32_t build_tcp_reset(const PacketView& segment, std::span<std::uint8_t> out) noexcept {
    const IpView& ip = segment.ip;
    if (ip.l4_kind != L4Kind::tcp || ip.fragment_offset != 0 || (ip.tcp_flags & tcp_rst) != 0) return 0;
    if (out.size() < own_header_bytes(ip.family) + tcp_header_bytes) return 0;
    const OwnPacket packet{
        .family = ip.family, .source = ip.destination, .destination = ip.source, .protocol = protocol_tcp};
    std::uint8_t* tcp = write_ip_header(packet, tcp_header_bytes, out.data());
    store16(tcp, ip.destination_port);
    store16(tcp + 2, ip.source_port);
    tcp[tcp_data_offset_at] = tcp_header_bytes / 4 << 4;
    if ((ip.tcp_flags & tcp_ack) != 0) {
        store32(tcp + tcp_sequence_at, ip.tcp_acknowledgement);
        store32(tcp + tcp_acknowledgement_at, 0);
        tcp[tcp_flags_at] = tcp_rst;
    } else {
        const std::uint32_t header_bytes = (segment.l4()[tcp_data_offset_at] >> 4) * 4u;
        const std::uint32_t payload_bytes = ip.total_length - ip.header_length - header_bytes;
        const std::uint32_t syn = (ip.tcp_flags & tcp_syn) != 0, fin = (ip.tcp_flags & tcp_fin) != 0;
        store32(tcp + tcp_sequence_at, 0);
        store32(tcp + tcp_acknowledgement_at, ip.tcp_sequence + payload_bytes + syn + fin);
        tcp[tcp_flags_at] = tcp_rst | tcp_ack;
    }
    store16(tcp + 14, 0);  // window
    store16(tcp + 18, 0);  // urgent pointer
    fill_l4_checksum(packet, tcp, tcp_header_bytes, tcp_checksum_at);
    return own_header_bytes(ip.family) + tcp_header_bytes;
}

}  // namespace sluice
