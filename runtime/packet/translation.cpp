// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/parse.h"
#include "runtime/packet/rewrite.h"
#include "runtime/packet/write_translation.h"

namespace sluice {
namespace {

/// RFC 768, RFC 8200 8.1: zero says "none"; a sum that comes out as zero is sent as all ones.
void update_udp_checksum(std::uint8_t* at, std::uint16_t delta, Family family) noexcept {
    const std::uint16_t before = load16(at);
    if (before == 0 && family == Family::v4) return;
    const std::uint16_t after = ChecksumDelta::from_value(delta).apply(before);
    store16(at, after == 0 ? 0xffff : after);
}

void write_addresses(std::uint8_t* l3, Family family, const Translation& translation) noexcept {
    std::uint8_t* at = l3 + addresses_at(family);
    store_ip(at, translation.source, family);
    store_ip(at + address_bytes(family), translation.destination, family);
    if (family == Family::v4) update_checksum(l3 + ipv4_checksum_at, translation.l3_delta);
}

/// `l4_bytes`: how many bytes of layer 4 there are. Fields and checksums behind them stay out of reach.
void write_l4(std::uint8_t* l4, std::uint32_t l4_bytes, const IpView& view,
              const Translation& translation) noexcept {
    switch (view.l4_kind) {
        case L4Kind::tcp:
        case L4Kind::udp: {
            if (l4_bytes < 4) return;
            store16(l4, translation.source_port);
            store16(l4 + 2, translation.destination_port);
            if (view.l4_kind == L4Kind::tcp) {
                if (l4_bytes >= tcp_checksum_at + 2)
                    update_checksum(l4 + tcp_checksum_at, translation.l4_delta);
            } else if (l4_bytes >= udp_header_bytes) {
                update_udp_checksum(l4 + udp_checksum_at, translation.l4_delta, view.family);
            }
            return;
        }
        case L4Kind::icmp_query: {
            if (l4_bytes < icmp_header_bytes) return;
            const bool request = is_icmp_request(view.family, view.icmp_type);
            store16(l4 + icmp_identifier_at, request ? translation.source_port : translation.destination_port);
            update_checksum(l4 + icmp_checksum_at, translation.l4_delta);
            return;
        }
        case L4Kind::icmp_error:
        case L4Kind::icmp_other:
            if (view.family == Family::v6 && l4_bytes >= icmp_checksum_at + 2) {
                update_checksum(l4 + icmp_checksum_at, translation.l4_delta);
            }
            return;
        case L4Kind::other:
            return;
    }
}

void replace_port(ChecksumDelta& delta, std::uint16_t before, std::uint16_t after) noexcept {
    if (before != after) delta.replace16(before, after);
}

bool has_pseudo_header(const IpView& view) noexcept {
    if (view.l4_kind == L4Kind::tcp || view.l4_kind == L4Kind::udp) return true;
    return view.family == Family::v6 && view.l4_kind != L4Kind::other;
}

}  // namespace

Translation Translation::between(const IpView& before, Ip source, Ip destination, std::uint16_t source_port,
                                 std::uint16_t destination_port) noexcept {
    Translation result{.source = source,
                       .destination = destination,
                       .source_port = source_port,
                       .destination_port = destination_port};
    ChecksumDelta addresses;
    addresses.replace_ip(before.source, source, before.family);
    addresses.replace_ip(before.destination, destination, before.family);
    if (before.family == Family::v4) result.l3_delta = addresses.value();

    ChecksumDelta l4 = has_pseudo_header(before) ? addresses : ChecksumDelta{};
    if (before.l4_kind == L4Kind::tcp || before.l4_kind == L4Kind::udp) {
        replace_port(l4, before.source_port, source_port);
        replace_port(l4, before.destination_port, destination_port);
    } else if (before.l4_kind == L4Kind::icmp_query) {
        const bool request = is_icmp_request(before.family, before.icmp_type);
        replace_port(l4, request ? before.source_port : before.destination_port,
                     request ? source_port : destination_port);
    }
    result.l4_delta = l4.value();
    result.changes = source != before.source || destination != before.destination ||
                     source_port != before.source_port || destination_port != before.destination_port;
    return result;
}

void write_translation(std::uint8_t* l3, std::uint32_t l4_bytes, const IpView& view,
                       const Translation& translation) noexcept {
    if (!translation.changes) return;
    write_addresses(l3, view.family, translation);
    if (view.fragment_offset == 0) write_l4(l3 + view.header_length, l4_bytes, view, translation);
}

void apply_translation(std::uint8_t* l3, const IpView& view, const Translation& translation) noexcept {
    write_translation(l3, view.total_length - view.header_length, view, translation);
}

// RFC 5508 4.2 (IPv4); for IPv6 the same with the pseudo-header.
void apply_icmp_error_translation(std::uint8_t* l3, const IpView& view, const Translation& outer,
                                  const QuotedPacket& quoted_packet, const Translation& quoted) noexcept {
    write_translation(l3, view.total_length - view.header_length, view, outer);
    if (view.fragment_offset != 0) return;
    std::uint8_t* icmp = l3 + view.header_length;
    std::uint8_t* quote = icmp + icmp_error_header_bytes;
    // Whatever may change stands in the quoted headers: their sum before and after gives the delta, with the
    // quoted checksums in it. An odd last byte counts alike in both.
    const std::uint32_t reach =
        quoted_packet.view.header_length + std::min(quoted_packet.l4_bytes, tcp_header_bytes);
    const std::uint16_t before = checksum_finish(checksum_sum({quote, reach}));
    write_translation(quote, quoted_packet.l4_bytes, quoted_packet.view, quoted);
    const std::uint16_t after = checksum_finish(checksum_sum({quote, reach}));
    // The complements stand in for the sums, hence the swapped order.
    ChecksumDelta delta;
    if (before != after) delta.replace16(after, before);
    update_checksum(icmp + icmp_checksum_at, delta.value());
}

}  // namespace sluice
