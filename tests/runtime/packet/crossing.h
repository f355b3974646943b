// SPDX-License-Identifier: Apache-2.0
//
// Frames led into the other IP version, with room around them that must stay as it is. For tests.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "runtime/packet/cross_family.h"
#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice::test {

/// Owns the memory of one packet, with headroom and tailroom of a byte that shows what was written.
class Crossing {
  public:
    explicit Crossing(const Bytes& frame, std::uint16_t headroom = most_growth_across)
        : buffer_(headroom, untouched) {
        append(buffer_, frame);
        buffer_.insert(buffer_.end(), tailroom, untouched);
        Parsed parsed = parse(frame);
        if (parsed.reason) throw std::invalid_argument("not a packet: " + std::string(name_of(*parsed.reason)));
        packet.frame.data = buffer_.data() + headroom;
        packet.frame.length = static_cast<std::uint32_t>(frame.size());
        packet.frame.headroom = headroom;
        packet.frame.tailroom = tailroom;
        packet.l2 = parsed.l2;
        packet.ip = parsed.ip;
    }

    Bytes frame() const { return Bytes(packet.frame.data, packet.frame.data + packet.frame.length); }
    /// The frame's parts make up the buffer, and nothing was written behind where the frame was.
    bool in_bounds() const {
        const Frame& frame = packet.frame;
        if (frame.data - frame.headroom != buffer_.data()) return false;
        if (frame.headroom + frame.length + frame.tailroom != buffer_.size()) return false;
        for (std::size_t i = buffer_.size() - tailroom; i < buffer_.size(); ++i) {
            if (buffer_[i] != untouched) return false;
        }
        return true;
    }
    std::optional<QuotedPacket> quoted() const {
        return parse_quoted_packet(packet.ip_bytes().subspan(packet.ip.header_length + icmp_error_header_bytes),
                                   packet.ip.family);
    }

    PacketView packet;

  private:
    static constexpr std::uint8_t untouched = 0xa5;
    static constexpr std::uint32_t tailroom = 16;
    Bytes buffer_;
};

inline CrossedEnds ends_of(const Bytes& frame) {
    const IpView view = parse(frame).ip;
    return {view.source, view.destination, view.source_port, view.destination_port};
}
/// Of an IP packet without layer 2, or the start of one.
inline CrossedEnds ends_of_quoted(const Bytes& packet) {
    const auto quoted = parse_quoted_packet(packet, packet.at(0) >> 4 == 4 ? Family::v4 : Family::v6);
    if (!quoted) throw std::invalid_argument("cannot be read as a quoted packet");
    const IpView& view = quoted->view;
    return {view.source, view.destination, view.source_port, view.destination_port};
}

/// A whole packet in the other family; empty where it has no counterpart.
inline Bytes crossed(const Bytes& frame, const CrossedEnds& ends, std::optional<std::uint16_t> ipv4_id = {}) {
    Crossing crossing(frame);
    const WholeDatagram datagram = whole_datagram({&crossing.packet, 1});
    if (!translate_across(crossing.packet, ends, datagram, ipv4_id)) {
        if (crossing.frame() != frame) throw std::logic_error("a refused packet was written to");
        return {};
    }
    if (!crossing.in_bounds()) throw std::logic_error("written out of bounds");
    return crossing.frame();
}

/// All fragments of a datagram, in order.
inline std::vector<Bytes> crossed(const std::vector<Bytes>& fragments, const CrossedEnds& ends,
                                  std::optional<std::uint16_t> ipv4_id = {}) {
    std::vector<Crossing> crossings;
    std::vector<PacketView> packets;
    for (const Bytes& fragment : fragments) crossings.emplace_back(fragment);
    for (const Crossing& crossing : crossings) packets.push_back(crossing.packet);
    const WholeDatagram datagram = whole_datagram(packets);
    std::vector<Bytes> out;
    for (Crossing& crossing : crossings) {
        if (!translate_across(crossing.packet, ends, datagram, ipv4_id)) return {};
        if (!crossing.in_bounds()) throw std::logic_error("written out of bounds");
        out.push_back(crossing.frame());
    }
    return out;
}

/// An ICMP error in the other family; empty where it has no counterpart.
inline Bytes crossed_error(const Bytes& frame, const CrossedEnds& outer, const CrossedEnds& quoted,
                           std::optional<std::uint16_t> ipv4_id = {}) {
    Crossing crossing(frame);
    const auto quoted_packet = crossing.quoted();
    if (!quoted_packet) throw std::invalid_argument("quotes nothing");
    const auto announced = error_view_across(crossing.packet, *quoted_packet);
    if (!translate_error_across(crossing.packet, outer, *quoted_packet, quoted, ipv4_id)) {
        if (announced || crossing.frame() != frame) throw std::logic_error("a refused packet was written to");
        return {};
    }
    if (!crossing.in_bounds()) throw std::logic_error("written out of bounds");
    if (!announced || announced->total_length != crossing.packet.ip.total_length)
        throw std::logic_error("another length than announced");
    return crossing.frame();
}

}  // namespace sluice::test
