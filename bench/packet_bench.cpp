// SPDX-License-Identifier: Apache-2.0
//
// From bytes to a view, and checksums, beside what DPDK has for the same: rte_net_get_ptype (which fills less),
// rte_raw_cksum, rte_ipv4_cksum.
#include <rte_ip.h>
#include <rte_net.h>

#include <cstring>
#include <vector>

#include "bench/micro.h"
#include "runtime/packet/checksum.h"
#include "runtime/packet/parse.h"
#include "tests/support/packets.h"

namespace sluice::bench {
namespace {

using test::Bytes;

Bytes frame_of(bool tcp, bool v6) {
    test::Packet packet;
    packet.vlan = 110;
    packet.payload.assign(18, 0);
    if (v6) {
        packet.source = "2001:db8::5";
        packet.destination = "2001:db8:1::9";
    }
    return tcp ? test::tcp(packet) : test::udp(packet);
}

bool parse(std::span<const std::uint8_t> frame, IpView& view) {
    const auto l2 = parse_l2(frame);
    return l2 && !parse_ip_packet(frame.subspan(l2->length), l2->ethertype, view);
}

void parse_frame(benchmark::State& state, bool tcp, bool v6) {
    const Bytes frame = frame_of(tcp, v6);
    IpView view;
    require(parse(frame, view) && view.family == (v6 ? Family::v6 : Family::v4) && view.source_port == 5000 &&
                view.destination_port == 80 && view.l4_kind == (tcp ? L4Kind::tcp : L4Kind::udp),
            "the view of a frame");
    measure_items(state, 1, [&] {
        IpView parsed;
        benchmark::DoNotOptimize(parse(frame, parsed));
        benchmark::DoNotOptimize(parsed);
        benchmark::ClobberMemory();
    });
}

/// An mbuf around bytes of ours: no pool, no EAL.
rte_mbuf mbuf_around(Bytes& frame) {
    rte_mbuf mbuf{};
    mbuf.buf_addr = frame.data();
    mbuf.data_len = static_cast<std::uint16_t>(frame.size());
    mbuf.pkt_len = static_cast<std::uint32_t>(frame.size());
    mbuf.nb_segs = 1;
    return mbuf;
}

void parse_dpdk(benchmark::State& state, bool tcp, bool v6) {
    Bytes frame = frame_of(tcp, v6);
    rte_mbuf mbuf = mbuf_around(frame);
    rte_net_hdr_lens lengths{};
    const std::uint32_t type = rte_net_get_ptype(&mbuf, &lengths, RTE_PTYPE_ALL_MASK);
    require((type & RTE_PTYPE_L4_MASK) == (tcp ? RTE_PTYPE_L4_TCP : RTE_PTYPE_L4_UDP),
            "the packet type of a frame");
    measure_items(state, 1, [&] {
        benchmark::DoNotOptimize(rte_net_get_ptype(&mbuf, &lengths, RTE_PTYPE_ALL_MASK));
        benchmark::ClobberMemory();
    });
}

Bytes numbers(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 151 + 7);
    return bytes;
}

/// RFC 1071 leaves two forms of zero; a sum of nothing but zeros does not occur here.
std::uint16_t ours(const Bytes& bytes) {
    return checksum_finish(checksum_sum(bytes));
}
std::uint16_t dpdks(const Bytes& bytes) {
    return static_cast<std::uint16_t>(~rte_raw_cksum(bytes.data(), bytes.size()));
}

void checksum(benchmark::State& state) {
    const Bytes bytes = numbers(static_cast<std::size_t>(state.range(0)));
    require(ours(bytes) == test::slow_checksum(bytes), "the checksum");
    measure_items(state, 1, [&] {
        benchmark::DoNotOptimize(ours(bytes));
        benchmark::ClobberMemory();
    });
}

void checksum_dpdk(benchmark::State& state) {
    const Bytes bytes = numbers(static_cast<std::size_t>(state.range(0)));
    require(__builtin_bswap16(dpdks(bytes)) == test::slow_checksum(bytes), "DPDK's checksum");
    measure_items(state, 1, [&] {
        benchmark::DoNotOptimize(dpdks(bytes));
        benchmark::ClobberMemory();
    });
}

void ipv4_header_dpdk(benchmark::State& state) {
    Bytes frame = frame_of(false, false);
    auto* header = reinterpret_cast<rte_ipv4_hdr*>(frame.data() + test::l2_length(frame));
    require(rte_ipv4_cksum(header) == 0xffff || rte_ipv4_cksum(header) == 0, "DPDK's header checksum");
    measure_items(state, 1, [&] {
        benchmark::DoNotOptimize(rte_ipv4_cksum(header));
        benchmark::ClobberMemory();
    });
}

/// What a translated packet pays instead: a stored delta.
void checksum_delta(benchmark::State& state) {
    Bytes bytes = numbers(64);
    const std::uint16_t before = ours(bytes);
    ChecksumDelta delta;
    delta.replace16(static_cast<std::uint16_t>(bytes[12] << 8 | bytes[13]), 0x1234);
    bytes[12] = 0x12;
    bytes[13] = 0x34;
    require(delta.apply(before) == ours(bytes), "the updated checksum");
    std::uint16_t value = before;
    measure_items(state, 1, [&] { benchmark::DoNotOptimize(value = delta.apply(value)); });
}

BENCHMARK_CAPTURE(parse_frame, udp4, false, false);
BENCHMARK_CAPTURE(parse_frame, tcp4, true, false);
BENCHMARK_CAPTURE(parse_frame, udp6, false, true);
BENCHMARK_CAPTURE(parse_dpdk, udp4, false, false);
BENCHMARK_CAPTURE(parse_dpdk, tcp4, true, false);
BENCHMARK_CAPTURE(parse_dpdk, udp6, false, true);
BENCHMARK(checksum)->Arg(20)->Arg(64)->Arg(512)->Arg(1480);
BENCHMARK(checksum_dpdk)->Arg(20)->Arg(64)->Arg(512)->Arg(1480);
BENCHMARK(ipv4_header_dpdk);
BENCHMARK(checksum_delta);

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    return sluice::bench::micro_main(argc, argv, [](unsigned) { benchmark::RunSpecifiedBenchmarks(); });
}
