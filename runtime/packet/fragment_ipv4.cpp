// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "runtime/packet/build.h"
#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"
#include "runtime/packet/headers.h"

namespace sluice {
namespace {

/// How the payload is cut. Later fragments may have shorter headers (fewer options), but are cut as if they had
/// not: the count is then known without reading the options.
struct Cut {
    std::uint32_t payload_bytes;
    std::uint32_t last_room;    // the last piece may fill all of the MTU
    std::uint32_t piece_bytes;  // the others have a multiple of 8
};

Cut cut_of(const IpView& view, std::uint16_t mtu) noexcept {
    const std::uint32_t room = mtu > view.header_length ? mtu - view.header_length : 0;
    return {view.total_length - view.header_length, room, room & ~7u};
}

/// Writes the options of a later fragment: those with the copied flag (RFC 791 3.1), padded to 4 bytes.
std::uint32_t copy_options(std::span<const std::uint8_t> options, std::uint8_t* out) noexcept {
    constexpr std::uint8_t end_of_options = 0, no_operation = 1, copied = 0x80;
    std::uint32_t written = 0;
    for (std::size_t at = 0; at < options.size() && options[at] != end_of_options;) {
        if (options[at] == no_operation) {
            ++at;
            continue;
        }
        const std::size_t left = options.size() - at;
        const std::size_t length = left > 1 ? options[at + 1] : 0;
        if (length < 2 || length > left) break;
        if ((options[at] & copied) != 0) {
            std::memcpy(out + written, options.data() + at, length);
            written += static_cast<std::uint32_t>(length);
        }
        at += length;
    }
    while (written % 4 != 0) out[written++] = end_of_options;
    return written;
}

}  // namespace

std::uint32_t ipv4_fragment_count(const IpView& view, std::uint16_t mtu) noexcept {
    const Cut cut = cut_of(view, mtu);
    if (view.total_length <= mtu) return 1;
    if (cut.piece_bytes == 0) return 0;
    return 1 + (cut.payload_bytes - cut.last_room + cut.piece_bytes - 1) / cut.piece_bytes;
}

std::uint32_t build_ipv4_fragment(std::span<const std::uint8_t> packet, const IpView& view, std::uint16_t mtu,
                                  std::uint32_t index, std::span<std::uint8_t> out) noexcept {
    const std::uint32_t count = ipv4_fragment_count(view, mtu);
    if (index >= count || packet.size() < view.total_length) return 0;
    const Cut cut = cut_of(view, mtu);
    const std::uint32_t start = index * cut.piece_bytes;
    const std::uint32_t payload_bytes = index + 1 == count ? cut.payload_bytes - start : cut.piece_bytes;
    if (out.size() < view.header_length + payload_bytes) return 0;

    std::uint32_t header_bytes = view.header_length;
    if (index == 0) {
        std::memcpy(out.data(), packet.data(), header_bytes);
    } else {
        std::memcpy(out.data(), packet.data(), ipv4_header_bytes);
        header_bytes = ipv4_header_bytes +
                       copy_options(packet.subspan(ipv4_header_bytes, view.header_length - ipv4_header_bytes),
                                    out.data() + ipv4_header_bytes);
    }
    std::memcpy(out.data() + header_bytes, packet.data() + view.header_length + start, payload_bytes);

    const bool more = view.more_fragments || index + 1 < count;
    const std::uint32_t offset = view.fragment_offset + start;
    out[0] = static_cast<std::uint8_t>(0x40 | header_bytes / 4);
    store16(out.data() + ipv4_total_length_at, static_cast<std::uint16_t>(header_bytes + payload_bytes));
    store16(out.data() + ipv4_fragment_at,
            static_cast<std::uint16_t>((offset / 8 & ipv4_offset_mask) | (more ? ipv4_more_fragments : 0) |
                                       (view.dont_fragment ? ipv4_dont_fragment : 0)));
    store16(out.data() + ipv4_checksum_at, 0);
    store16(out.data() + ipv4_checksum_at, checksum_finish(checksum_sum({out.data(), header_bytes})));
    return header_bytes + payload_bytes;
}

}  // namespace sluice
