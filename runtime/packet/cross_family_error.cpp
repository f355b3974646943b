// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"
#include "runtime/packet/cross_family.h"
#include "runtime/packet/cross_family_icmp.h"
#include "runtime/packet/cross_family_write.h"
#include "runtime/packet/headers.h"

namespace sluice {
namespace {

constexpr std::uint32_t icmp_word_at = 4;  // pointer, MTU, or the length of RFC 4884
constexpr std::uint32_t longest_icmpv6_error = 1280;

/// The error and its quoted packet as they will be.
struct ErrorAcross {
    IpView outer, quoted;
    std::uint32_t word = 0;
    std::uint32_t quoted_l4_bytes = 0;
};

/// How long the quoted packet is before extensions follow (RFC 4884 4.1, 4.2, 5.1); 0: none follow.
std::uint32_t bytes_before_extensions(const IpView& error, const std::uint8_t* icmp) noexcept {
    constexpr std::uint32_t fewest = 128;
    std::uint32_t bytes = 0;
    if (error.family == Family::v4) {
        bytes = icmp[5] * 4u;
    } else if (error.icmp_type == 1 || error.icmp_type == 3) {
        bytes = icmp[4] * 8u;
    }
    return bytes >= fewest ? bytes : 0;
}

std::optional<ErrorAcross> error_across(const PacketView& packet, const QuotedPacket& quoted_packet) noexcept {
    const IpView& error = packet.ip;
    const IpView& quoted = quoted_packet.view;
    if (error.fragment || error.l4_kind != L4Kind::icmp_error || quoted.l4_kind == L4Kind::icmp_error)
        return std::nullopt;
    const auto outer = view_across(error), inner = view_across(quoted);
    if (!outer || !inner) return std::nullopt;
    const std::uint8_t* icmp = packet.l4();
    const auto word = icmp_error_word_across(error.family, {error.icmp_type, error.icmp_code},
                                             load32(icmp + icmp_word_at), quoted.total_length);
    if (!word) return std::nullopt;

    ErrorAcross across{*outer, *inner, *word, quoted_packet.l4_bytes};
    const std::uint32_t limit = bytes_before_extensions(error, icmp);
    if (limit > quoted.header_length)
        across.quoted_l4_bytes = std::min(across.quoted_l4_bytes, limit - quoted.header_length);
    const std::uint32_t headers = outer->header_length + icmp_error_header_bytes + inner->header_length;
    if (outer->family == Family::v6)
        across.quoted_l4_bytes = std::min(across.quoted_l4_bytes, longest_icmpv6_error - headers);
    across.outer.total_length = headers + across.quoted_l4_bytes;
    across.outer.dont_fragment = outer->family == Family::v6 || across.outer.total_length > longest_without_df;
    return across;
}

std::uint32_t sum_of_icmp(const IpView& view, const std::uint8_t* icmp) noexcept {
    const std::uint32_t length = view.total_length - view.header_length;
    const std::uint32_t pseudo =
        view.family == Family::v4
            ? 0
            : pseudo_header_sum(view.source, view.destination, view.family, view.protocol, length);
    return checksum_sum({icmp, length}, pseudo);
}

/// With `sum_before` over all of the error as it came (0xffff where its checksum was right), and the new one's
/// checksum field zero.
std::uint16_t icmp_checksum_across(std::uint32_t sum_before, std::uint32_t sum_after) noexcept {
    ChecksumDelta error;
    error.replace16(static_cast<std::uint16_t>(~checksum_finish(sum_before)), 0xffff);
    return error.apply(checksum_finish(sum_after));
}

}  // namespace

std::optional<IpView> error_view_across(const PacketView& packet, const QuotedPacket& quoted_packet) noexcept {
    const auto across = error_across(packet, quoted_packet);
    return across ? std::optional(across->outer) : std::nullopt;
}

bool translate_error_across(PacketView& packet, const CrossedEnds& outer, const QuotedPacket& quoted_packet,
                            const CrossedEnds& quoted, std::optional<std::uint16_t> ipv4_id) noexcept {
    auto across = error_across(packet, quoted_packet);
    if (!across) return false;
    const IpView& quoted_before = quoted_packet.view;
    const std::uint32_t then = packet.ip.header_length + icmp_error_header_bytes + quoted_before.header_length;
    const std::uint32_t now =
        across->outer.header_length + icmp_error_header_bytes + across->quoted.header_length;
    if (now > then + packet.frame.headroom) return false;
    set_ends(across->outer, outer);
    set_ends(across->quoted, quoted);
    set_ipv4_id_across(across->outer, packet.ip, ipv4_id);

    const std::uint32_t sum_before = sum_of_icmp(packet.ip, packet.l4());
    std::uint8_t* quoted_l4 = packet.l3() + then;
    write_l4_across(quoted_l4, across->quoted_l4_bytes, quoted_before, across->quoted,
                    quoted_before.total_length - quoted_before.header_length, std::nullopt);
    move_layer2(packet, then, now, across->outer);
    write_header_of(across->quoted, quoted_l4 - across->quoted.header_length);
    packet.ip = across->outer;
    write_header_of(packet.ip, packet.l3());
    std::uint8_t* icmp = packet.l4();
    icmp[0] = packet.ip.icmp_type;
    icmp[1] = packet.ip.icmp_code;
    store16(icmp + icmp_checksum_at, 0);
    store32(icmp + icmp_word_at, across->word);
    store16(icmp + icmp_checksum_at, icmp_checksum_across(sum_before, sum_of_icmp(packet.ip, icmp)));
    return true;
}

}  // namespace sluice
