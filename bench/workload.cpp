// SPDX-License-Identifier: Apache-2.0
#include "bench/workload.h"

#include <algorithm>
#include <array>

#include "bench/workload_parts.h"
#include "runtime/state/flow_entry.h"
#include "tests/support/packets.h"
#include "tests/support/vxlan.h"

namespace sluice::bench {
namespace {

constexpr std::size_t l3_offset = 18, source_offset = l3_offset + 12, destination_offset = l3_offset + 16;
constexpr std::size_t l4_offset = l3_offset + 20, payload_offset = l4_offset + 8;
constexpr std::size_t outer_bytes(const Shape& shape) {
    return tunnelled_frame_bytes(shape.over_ipv6) - (frame_bytes - 4);
}

Endpoint source_of(const Shape& shape, std::uint32_t flow) {
    const std::uint32_t i = flow / shape.tenants;
    return {10u << 24 | (1 + i % 4) << 16 | i / 4 % 200 << 8 | (2 + i / 800 % 200),
            static_cast<std::uint16_t>(1024 + i / 160'000)};
}

Endpoint destination_of(const Shape& shape, std::uint32_t flow) {
    const std::uint32_t destinations = destinations_of(shape);
    if (shape.scan) return {0xc000020a, static_cast<std::uint16_t>(1 + flow % 65535)};
    if (destinations == 1) return {0xc0000209, 9};
    // Neighbouring flows must not meet neighbouring rules.
    return rule_endpoint(static_cast<std::uint32_t>(std::uint64_t{flow} * 2654435761 % destinations));
}

void put16(std::uint8_t* at, std::uint32_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}
void put32(std::uint8_t* at, std::uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}
std::uint32_t get16(const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0] << 8 | at[1]);
}
std::uint32_t get32(const std::uint8_t* at) {
    return get16(at) << 16 | get16(at + 2);
}

void put_checksums(std::uint8_t* frame) {
    put16(frame + l3_offset + 10, 0);
    put16(frame + l3_offset + 10, test::slow_checksum({frame + l3_offset, 20}));
    put16(frame + l4_offset + 6, 0);
    // The pseudo header (RFC 768): both addresses, the protocol, the length.
    std::array<std::uint8_t, 12 + frame_bytes - l4_offset> covered{};
    std::copy_n(frame + source_offset, 8, covered.begin());
    covered[9] = 17;
    put16(covered.data() + 10, frame_bytes - l4_offset);
    std::copy_n(frame + l4_offset, frame_bytes - l4_offset, covered.begin() + 12);
    put16(frame + l4_offset + 6, test::slow_checksum(covered));
}

/// Puts `tagged`, a frame of 64 bytes, without its tag behind the headers of `tunnelled`.
void put_inside(const Shape& shape, const std::uint8_t* tagged, std::uint8_t* tunnelled) {
    std::copy_n(tagged, 12, tunnelled + outer_bytes(shape));
    std::copy_n(tagged + 16, frame_bytes - 16, tunnelled + outer_bytes(shape) + 12);
}

/// What came out of a tunnel, as it would look in the tenant's VLAN; nullptr, or what is wrong with it.
const char* take_out(const Shape& shape, std::span<const std::uint8_t> frame,
                     std::array<std::uint8_t, frame_bytes>& tagged) {
    if (frame.size() != tunnelled_frame_bytes(shape.over_ipv6)) return "another length";
    const test::Opened opened = test::open_vxlan({frame.begin(), frame.end()});
    if (!opened.fault.empty() || opened.outer.source_port() < 49152) return "no VXLAN";
    std::copy_n(opened.inner.begin(), 12, tagged.begin());
    std::copy_n(opened.inner.begin() + 12, frame_bytes - 16, tagged.begin() + 16);
    const std::uint32_t tenant = flow_of(tagged) % shape.tenants;
    put16(&tagged[12], 0x8100);
    put16(&tagged[14], first_vlan + tenant);
    if (opened.vni != first_vni + tenant) return "another VNI";
    const std::uint32_t remote = (tagged[destination_offset + 1] - 1u) % shape.tunnels;
    if (to_string(opened.outer.destination, opened.outer.family) != remote_text(shape, remote))
        return "another tunnel";
    return tagged[5] == 1 + remote ? nullptr : "another station";
}

const char* wrong_packet(std::span<const std::uint8_t> frame, std::uint16_t vlan) {
    if (frame.size() != frame_bytes) return "another length";
    if (get16(&frame[12]) != 0x8100 || get16(&frame[14]) != vlan) return "another VLAN";
    if (frame[l3_offset + 8] >= 64) return "the TTL did not fall";
    return test::checksums_valid(frame) ? nullptr : "a checksum is wrong";
}

bool is(std::span<const std::uint8_t> frame, std::size_t address, std::size_t port, const Endpoint& wanted) {
    return get32(&frame[address]) == wanted.address && get16(&frame[port]) == wanted.port;
}

}  // namespace

std::uint32_t destinations_of(const Shape& shape) {
    return shape.destinations == Destinations::last_rule || shape.rules < 3 ? 1 : shape.rules - 1;
}

std::vector<std::uint32_t> colliding_flows(const Shape& shape, std::uint32_t flows, std::uint32_t most) {
    constexpr HashKey published{};  // as anyone may read it in the sources
    constexpr std::uint64_t within = (1ULL << 32) / 40;
    std::vector<std::uint32_t> found;
    for (std::uint32_t flow = 0; flow < most && found.size() < flows; ++flow) {
        const Endpoint source = source_of(shape, flow), destination = destination_of(shape, flow);
        const FlowKey key{.kind = FlowKind::session4,
                          .protocol = 17,
                          .scope = 0,
                          .source = __builtin_bswap32(source.address),
                          .destination = __builtin_bswap32(destination.address),
                          .source_port = __builtin_bswap16(source.port),
                          .destination_port = __builtin_bswap16(destination.port)};
        if (hash_of(key, published) >> 32 < within) found.push_back(flow);
    }
    return found;
}

FrameList make_frames(const Shape& shape, std::span<const std::uint32_t> order) {
    test::Packet packet;
    packet.vlan = first_vlan;
    packet.destination_mac = router_mac;
    packet.payload.assign(frame_bytes - payload_offset, 0);
    const test::Bytes pattern = test::udp(packet);
    FrameList frames(shape.tunnels != 0 ? tunnelled_frame_bytes(shape.over_ipv6) : frame_bytes);
    frames.reserve(order.size());
    std::vector<test::Bytes> tunnels;
    for (std::uint32_t remote = 0; remote < shape.tunnels; ++remote) {
        test::Outer outer{.destination_mac = router_mac, .source = remote_text(shape, remote)};
        if (shape.over_ipv6) outer.destination = "2001:db8:51::10";
        tunnels.push_back(test::in_vxlan(outer, test::Bytes(frame_bytes - 4)));
    }
    std::array<std::uint8_t, frame_bytes> tagged{};
    for (const std::uint32_t flow : order) {
        std::uint8_t* out = frames.add();
        std::uint8_t* frame = shape.tunnels != 0 ? tagged.data() : out;
        std::copy(pattern.begin(), pattern.end(), frame);
        const Endpoint source = source_of(shape, flow), destination = destination_of(shape, flow);
        put16(frame + 14, first_vlan + flow % shape.tenants);
        put32(frame + source_offset, source.address);
        put32(frame + destination_offset, destination.address);
        put16(frame + l4_offset, source.port);
        put16(frame + l4_offset + 2, destination.port);
        put32(frame + payload_offset, flow);
        put_checksums(frame);
        if (shape.tunnels == 0) continue;
        std::ranges::copy(tunnels[flow / shape.tenants % inside_nets % shape.tunnels], out);
        std::uint8_t* const inner = out + outer_bytes(shape);
        put32(inner - 4, (first_vni + flow % shape.tenants) << 8);
        put16(inner - 16, 49152 + flow % 16384);  // the UDP source port
        put_inside(shape, frame, out);
    }
    return frames;
}

void add_reply(FrameList& replies, std::span<const std::uint8_t> sent) {
    std::uint8_t* reply = replies.add();
    std::copy(sent.begin(), sent.end(), reply);
    // Checksums are sums: they do not notice when two summands change places.
    std::swap_ranges(reply, reply + 6, reply + 6);
    std::swap_ranges(reply + source_offset, reply + source_offset + 4, reply + destination_offset);
    std::swap_ranges(reply + l4_offset, reply + l4_offset + 2, reply + l4_offset + 2);
}

std::uint32_t flow_of(std::span<const std::uint8_t> frame) {
    return get32(&frame[payload_offset]);
}

const char* wrong_forward(const Shape& shape, std::span<const std::uint8_t> frame, std::uint16_t port) {
    if (port != uplink_port) return "not sent to the uplink";
    const std::uint32_t flow = flow_of(frame), tenant = flow % shape.tenants;
    if (const char* problem = wrong_packet(frame, static_cast<std::uint16_t>(first_vlan + tenant)))
        return problem;
    const std::uint32_t first = outside_address(tenant, first_pool_host), source = get32(&frame[source_offset]);
    if (source < first || source >= first + pool_addresses(shape)) return "not translated to the pool";
    if (!is(frame, destination_offset, l4_offset + 2, destination_of(shape, flow)))
        return "another destination";
    return nullptr;
}

const char* wrong_reply(const Shape& shape, std::span<const std::uint8_t> frame, std::uint16_t port) {
    if (port != access_port) return "reply not sent to the access port";
    std::array<std::uint8_t, frame_bytes> tagged;
    if (shape.tunnels != 0) {
        if (const char* problem = take_out(shape, frame, tagged)) return problem;
        frame = tagged;
    }
    const std::uint32_t flow = flow_of(frame);
    if (const char* problem =
            wrong_packet(frame, static_cast<std::uint16_t>(first_vlan + flow % shape.tenants))) {
        return problem;
    }
    if (!is(frame, source_offset, l4_offset, destination_of(shape, flow))) return "reply with another source";
    if (!is(frame, destination_offset, l4_offset + 2, source_of(shape, flow))) return "reply to another host";
    return nullptr;
}

std::uint64_t translation_of(std::span<const std::uint8_t> frame) {
    return std::uint64_t{get32(&frame[source_offset])} << 16 | get16(&frame[l4_offset]);
}

}  // namespace sluice::bench
