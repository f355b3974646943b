// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "runtime/packet/bytes.h"
#include "runtime/packet/cross_family.h"
#include "runtime/packet/cross_family_write.h"
#include "runtime/packet/headers.h"

namespace sluice {
namespace {

constexpr std::uint32_t fragment_headers = ipv6_header_bytes + ipv6_fragment_header_bytes;

bool has_no_other_headers(const IpView& view) noexcept {
    if (view.fragment_header_offset == 0) return view.header_length == ipv6_header_bytes;
    return view.header_length == fragment_headers;
}

}  // namespace

std::uint32_t ipv6_fragment_count(const IpView& view, std::uint16_t mtu) noexcept {
    if (view.total_length <= mtu) return 1;
    if (!has_no_other_headers(view) || mtu < fragment_headers + 8) return 0;
    const std::uint32_t payload_bytes = view.total_length - view.header_length;
    const std::uint32_t last_room = mtu - fragment_headers, piece_bytes = last_room & ~7u;
    return 1 + (payload_bytes - last_room + piece_bytes - 1) / piece_bytes;
}

std::uint32_t build_ipv6_fragment(std::span<const std::uint8_t> packet, const IpView& view, std::uint16_t mtu,
                                  std::uint32_t id, std::uint32_t index, std::span<std::uint8_t> out) noexcept {
    const std::uint32_t count = ipv6_fragment_count(view, mtu);
    if (index >= count || packet.size() < view.total_length) return 0;
    if (view.total_length <= mtu) {
        if (out.size() < view.total_length) return 0;
        std::memcpy(out.data(), packet.data(), view.total_length);
        return view.total_length;
    }
    const std::uint32_t payload_bytes = view.total_length - view.header_length;
    const std::uint32_t piece_bytes = (mtu - fragment_headers) & ~7u;
    const std::uint32_t start = index * piece_bytes;
    const bool last = index + 1 == count;
    const std::uint32_t bytes = last ? payload_bytes - start : piece_bytes;
    if (out.size() < fragment_headers + bytes) return 0;

    IpView piece = view;
    if (view.fragment_header_offset == 0) piece.id = id;
    piece.fragment_header_offset = ipv6_header_bytes;
    piece.header_length = fragment_headers;
    piece.total_length = fragment_headers + bytes;
    piece.fragment_offset = static_cast<std::uint16_t>(view.fragment_offset + start);
    piece.more_fragments = view.more_fragments || !last;
    write_header_of(piece, out.data());
    std::memcpy(out.data() + fragment_headers, packet.data() + view.header_length + start, bytes);
    return piece.total_length;
}

}  // namespace sluice
