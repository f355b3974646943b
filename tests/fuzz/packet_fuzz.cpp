// SPDX-License-Identifier: Apache-2.0
// Everything in runtime/packet that reads bytes from a wire, and where a packet enters a gateway with tunnels.
// The first byte says whether checksums are made right first (else no input gets behind them), and whether the
// frame is put into a tunnel, over IPv4 or IPv6 (else few inputs get into one); the second sets sizes; the rest
// is the frame, in a buffer of its size.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <variant>

#include "compiler/lower/build_image.h"
#include "runtime/control/entrance.h"
#include "runtime/packet/build.h"
#include "runtime/packet/bytes.h"
#include "runtime/packet/cross_family.h"
#include "runtime/packet/describe.h"
#include "runtime/packet/parse.h"
#include "runtime/packet/rewrite.h"
#include "runtime/packet/vxlan.h"
#include "schemas/layout/image_types.h"
#include "tests/support/policies.h"

namespace {

using namespace sluice;

/// On the heap, of exactly this size.
struct Exact {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t size;

    explicit Exact(std::size_t length) : bytes(new std::uint8_t[length]), size(length) {}
    explicit Exact(std::span<const std::uint8_t> from) : Exact(from.size()) {
        std::copy(from.begin(), from.end(), bytes.get());
    }
    std::span<std::uint8_t> span() const { return {bytes.get(), size}; }
};

void require(bool condition) {
    if (!condition) std::abort();
}

void repair_ipv4_checksum(std::span<std::uint8_t> packet) {
    if (packet.size() < 20 || packet[0] >> 4 != 4) return;
    const std::size_t header = (packet[0] & 15u) * 4;
    if (header < 20 || header > packet.size()) return;
    store16(packet.data() + 10, 0);
    store16(packet.data() + 10, checksum_finish(checksum_sum(packet.first(header))));
}

void repair_icmpv6_checksum(PacketView& packet) {
    const IpView& ip = packet.ip;
    if (ip.protocol != protocol_icmpv6 || ip.family != Family::v6 || ip.fragment_offset != 0) return;
    const std::uint32_t length = ip.total_length - ip.header_length;
    store16(packet.l4() + 2, 0);
    const std::uint32_t pseudo = pseudo_header_sum(ip.source, ip.destination, ip.family, ip.protocol, length);
    store16(packet.l4() + 2, checksum_finish(checksum_sum({packet.l4(), length}, pseudo)));
}

Translation some_translation(const IpView& view) {
    return Translation::between(view, Ip{view.source.hi ^ 0x0102030400000000, view.source.lo}, view.destination,
                                static_cast<std::uint16_t>(view.source_port ^ 0x5a5a), view.destination_port);
}

void say_something_about(const PacketView& packet, std::uint8_t size) {
    Exact out(size * std::size_t{8});
    for (const IcmpError error : {IcmpError::ttl_exceeded, IcmpError::packet_too_big}) {
        const auto length = build_icmp_error(error, packet.ip.family, packet.ip.destination, packet.ip.source,
                                             1400, packet.ip_bytes(), out.span());
        require(length <= out.size && length <= longest_built_packet);
    }
    require(build_tcp_reset(packet, out.span()) <= out.size);
    if (const auto message = parse_neighbour_message(packet)) {
        require(build_neighbour_message(*message, out.span()) <= out.size);
    }
}

void cut(const PacketView& packet, std::uint8_t size) {
    const auto mtu = static_cast<std::uint16_t>(size * 4);
    const std::uint32_t count = ipv4_fragment_count(packet.ip, mtu);
    std::uint32_t payload = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        Exact out(mtu);
        const std::uint32_t length = build_ipv4_fragment(packet.ip_bytes(), packet.ip, mtu, i, out.span());
        require(length >= 20 && length <= mtu);
        payload += length - (out.bytes[0] & 15u) * 4;
    }
    require(count == 0 || payload == packet.ip.total_length - packet.ip.header_length);
}

void cut_ipv6(const PacketView& packet, std::uint8_t size) {
    const auto mtu = static_cast<std::uint16_t>(size * 8);
    const std::uint32_t count = ipv6_fragment_count(packet.ip, mtu);
    std::uint32_t payload = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        Exact out(mtu);
        const std::uint32_t length = build_ipv6_fragment(packet.ip_bytes(), packet.ip, mtu, 7, i, out.span());
        require(length >= 40 && length <= mtu);
        payload += length - (packet.ip.total_length <= mtu ? packet.ip.header_length : 48);
    }
    require(count == 0 || payload == packet.ip.total_length - packet.ip.header_length);
}

void translate(const PacketView& packet) {
    Exact copy(packet.ip_bytes());
    if (packet.ip.l4_kind == L4Kind::icmp_error && packet.ip.fragment_offset == 0) {
        const auto quote = parse_quoted_packet(
            packet.ip_bytes().subspan(packet.ip.header_length + icmp_error_header_bytes), packet.ip.family);
        if (quote) {
            apply_icmp_error_translation(copy.bytes.get(), packet.ip, some_translation(packet.ip), *quote,
                                         some_translation(quote->view));
        }
    } else {
        apply_translation(copy.bytes.get(), packet.ip, some_translation(packet.ip));
    }
    decrement_ttl(copy.bytes.get(), packet.ip.family, 1);
    IpView again;
    if (packet.ip.family == Family::v4) {
        // The header checksum was right and must be so still, whatever the new addresses are judged to be.
        require(parse_ip_packet(copy.span(), ethertype_ipv4, again) != DropReason::IP_CSUM);
    }
    if ((packet.ip.family == Family::v4 && packet.ip.icmp_type == 8) || packet.ip.icmp_type == 128) {
        if (packet.ip.l4_kind == L4Kind::icmp_query) echo_request_to_reply(copy.bytes.get(), packet.ip);
    }
}

/// Into the other IP version, in a buffer without a byte to spare.
void cross(const PacketView& packet, std::uint8_t size) {
    // What the ways across need, and one byte less.
    constexpr std::uint16_t headrooms[] = {0, 19, 20, 27, 28, 39, 40, 47, most_growth_across};
    const std::uint16_t headroom = headrooms[size % std::size(headrooms)];
    Exact buffer(headroom + packet.frame.length);
    std::copy_n(packet.frame.data, packet.frame.length, buffer.bytes.get() + headroom);
    PacketView crossed = packet;
    crossed.frame.data = buffer.bytes.get() + headroom;
    crossed.frame.headroom = headroom;
    crossed.frame.tailroom = 0;
    const bool to_v6 = packet.ip.family == Family::v4;
    const Ip ip = to_v6 ? Ip{0x20010db8'00000000, 1} : Ip::from_v4(0xc0000201);
    const CrossedEnds ends{ip, ip, 1, 2};
    bool done = false;
    std::uint32_t expected_length = 0;
    if (packet.ip.l4_kind == L4Kind::icmp_error && packet.ip.fragment_offset == 0) {
        const auto quote = parse_quoted_packet(
            packet.ip_bytes().subspan(packet.ip.header_length + icmp_error_header_bytes), packet.ip.family);
        if (!quote) return;
        const auto view = error_view_across(crossed, *quote);
        expected_length = view ? view->total_length : 0;
        done = translate_error_across(crossed, ends, *quote, ends, size);
        require(view || !done);
    } else {
        const auto view = view_across(packet.ip);
        expected_length = view ? view->total_length : 0;
        done = translate_across(crossed, ends, whole_datagram({&crossed, 1}), size);
        require(view || !done);
    }
    const Frame& frame = crossed.frame;
    require(frame.data - frame.headroom == buffer.bytes.get());
    require(frame.headroom + frame.length + frame.tailroom == buffer.size);
    if (!done) return require(std::equal(frame.bytes().begin(), frame.bytes().end(), packet.frame.data));
    IpView again;
    require(!parse_ip_packet(crossed.ip_bytes(), crossed.l2.ethertype, again));
    require(again.total_length == expected_length && again.header_length == crossed.ip.header_length);
    require(again.l4_kind == crossed.ip.l4_kind && again.icmp_type == crossed.ip.icmp_type);
    if (to_v6) cut_ipv6(crossed, size);
}

/// blue's db is VNI 5001 on port 2, with remotes 198.51.100.21 and .22, or 2001:db8:51::21 and ::22.
const Image& image_with_tunnels(Family outside) {
    const auto build = [](bool over_ipv6) {
        policy::Policy policy = test::two_tenants();
        test::add_tunnels(policy);
        if (over_ipv6) test::put_over_ipv6(policy);
        return std::get<std::unique_ptr<const Image>>(Image::from_bytes(build_image(policy, 1)));
    };
    static const auto over_ipv4 = build(false), over_ipv6 = build(true);
    return outside == Family::v4 ? *over_ipv4 : *over_ipv6;
}
constexpr std::uint16_t overlay_port = 2;

/// The bytes as the frame inside a packet to our tunnel endpoint; `sizes` chooses the VNI and who sent it.
Exact in_tunnel(Family outside, std::span<const std::uint8_t> inside, std::uint8_t sizes) {
    const Image& image = image_with_tunnels(outside);
    const TenantView& underlay = image.tenants()[image.underlays()[overlay_port]];
    const Ip ipv4 = Ip::from_v4(0xc6336415 + (sizes & 1)), ipv6{0x20010db800510000, 0x21u + (sizes & 1)};
    const VxlanHeader header{.family = outside,
                             .source = outside == Family::v4 ? ipv4 : ipv6,
                             .destination = *underlay.tunnel_endpoint(outside),
                             .vni = 5001u + (sizes >> 6 == 3 ? 1 : 0),
                             .source_port = 50'000,
                             .tos = static_cast<std::uint8_t>(sizes >> 1)};
    const std::uint32_t outer_bytes = ethernet_header_bytes + vxlan_encapsulation_bytes(outside);
    Exact frame(outer_bytes + inside.size());
    std::fill_n(frame.bytes.get(), 12, std::uint8_t{2});
    store16(frame.bytes.get() + 12, outside == Family::v4 ? ethertype_ipv4 : ethertype_ipv6);
    write_vxlan(header, static_cast<std::uint32_t>(inside.size()), frame.bytes.get() + ethernet_header_bytes);
    std::copy(inside.begin(), inside.end(), frame.bytes.get() + outer_bytes);
    return frame;
}

bool lies_in(std::span<const std::uint8_t> part, std::span<const std::uint8_t> whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void carry_on_congestion(const PacketView& inside, std::uint8_t outer_tos) {
    const auto tos = tos_behind_tunnel(outer_tos, inside.ip.tos);
    require(tos || (outer_tos & 3) == 3);
    if (!tos) return;
    require((*tos ^ inside.ip.tos) < 4);  // DSCP stays
    Exact copy(inside.ip_bytes());
    set_tos(copy.bytes.get(), inside.ip.family, *tos);
    IpView again;
    const auto ethertype = inside.ip.family == Family::v4 ? ethertype_ipv4 : ethertype_ipv6;
    require(!parse_ip_packet(copy.span(), ethertype, again) && again.tos == *tos);
}

void enter(const PacketView& packet) {
    const Entrance entrance = entrance_of(image_with_tunnels(packet.ip.family), overlay_port, packet);
    require((entrance.binding == nullptr) == !entrance.reason.empty());
    if (entrance.binding == nullptr) return;
    const PacketView& inside = entrance.packet;
    require(lies_in(inside.frame.bytes(), packet.frame.bytes()));
    require(lies_in(inside.ip_bytes(), inside.frame.bytes()));
    require(inside.ip.header_length <= inside.ip.total_length);
    if (inside.frame.data == packet.frame.data) return;  // for the tunnel endpoint's own router
    require(is_vxlan(packet.ip));
    carry_on_congestion(inside, packet.ip.tos);
}

void replace_layer2(const PacketView& packet, std::uint8_t size) {
    const std::uint16_t headroom = size & 15;
    Exact buffer(headroom + packet.frame.length);
    std::copy_n(packet.frame.data, packet.frame.length, buffer.bytes.get() + headroom);
    Frame frame;
    frame.data = buffer.bytes.get() + headroom;
    frame.length = packet.frame.length;
    frame.headroom = headroom;
    const L2Header header{
        .tag_count = static_cast<std::uint8_t>(size % 3), .vids = {1, 2}, .ethertype = 0x0800};
    if (!replace_l2(frame, packet.l2.length, packet.ip.total_length, header)) return;
    require(frame.data - frame.headroom == buffer.bytes.get());
    require(frame.headroom + frame.length + frame.tailroom == buffer.size);
    require(frame.length >= header.bytes() + packet.ip.total_length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const bool repair = (data[0] & 1) != 0;
    const std::uint8_t sizes = data[1];
    const std::span<const std::uint8_t> bytes(data + 2, size - 2);
    const bool tunnelled = (data[0] & 2) != 0 && bytes.size() < 60'000;
    const Family outside = (data[0] & 4) != 0 ? Family::v6 : Family::v4;
    const Exact frame = tunnelled ? in_tunnel(outside, bytes, sizes) : Exact(bytes);
    (void)describe(frame.span());
    const auto l2 = parse_l2(frame.span());
    if (!l2) return 0;
    const auto layer3 = frame.span().subspan(l2->length);
    if (repair) repair_ipv4_checksum(layer3);
    if (const auto arp = parse_arp(layer3)) {
        Exact out(arp_bytes);
        require(build_arp(*arp, out.span()) == arp_bytes);
        require(std::equal(out.span().begin(), out.span().end(), layer3.begin()));
    }
    PacketView packet;
    packet.frame.data = frame.bytes.get();
    packet.frame.length = static_cast<std::uint32_t>(frame.size);
    packet.l2 = *l2;
    // The ethertype follows the version, so that half of the inputs are not wasted.
    const std::uint16_t ethertype = !layer3.empty() && layer3[0] >> 4 == 6 ? ethertype_ipv6 : ethertype_ipv4;
    if (parse_ip_packet(layer3, ethertype, packet.ip)) return 0;
    require(packet.ip.total_length <= layer3.size() && packet.ip.header_length <= packet.ip.total_length);
    if (repair) repair_icmpv6_checksum(packet);
    say_something_about(packet, sizes);
    if (packet.ip.family == Family::v4) cut(packet, sizes);
    translate(packet);
    cross(packet, sizes);
    replace_layer2(packet, sizes);
    enter(packet);
    return 0;
}
