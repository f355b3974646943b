// SPDX-License-Identifier: Apache-2.0
//
// What a new flow costs before it opens a session: classes of addresses and services, the deciding rule by the
// classifier and by the memo before it, and the whole path with its key, beside the stages; by the number of
// rules.
#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "bench/micro.h"
#include "bench/workload.h"
#include "runtime/cache/rule_memo.h"
#include "runtime/cache/trace_cache.h"
#include "runtime/packet/parse.h"
#include "runtime/stages/external_address.h"
#include "runtime/stages/look_up_path.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t flows = 1024;
constexpr HashKey secret{};

Shape shape_of(const benchmark::State& state) {
    return {.tenants = 1,
            .rules = static_cast<std::uint32_t>(state.range(0)),
            .destinations = Destinations::all_rules};
}

/// The first packets of new flows, spread over all rules.
class Packets {
  public:
    explicit Packets(const Shape& shape) : frames_(make_frames(shape, order(shape))) {
        for (std::size_t i = 0; i < frames_.size(); ++i) {
            PacketView packet;
            bytes_.emplace_back(frames_[i].begin(), frames_[i].end());
            packet.frame.data = bytes_.back().data();
            packet.frame.length = frame_bytes;
            const auto l2 = parse_l2(packet.frame.bytes());
            require(l2.has_value(), "a frame");
            packet.l2 = *l2;
            require(!parse_ip_packet(packet.frame.bytes().subspan(l2->length), l2->ethertype, packet.ip), "IP");
            packets_.push_back(packet);
        }
    }
    const PacketView& next() { return packets_[at_++ % packets_.size()]; }
    const std::vector<PacketView>& all() const { return packets_; }

  private:
    static std::vector<std::uint32_t> order(const Shape& shape) {
        std::mt19937_64 random(1);
        std::vector<std::uint32_t> numbers(flows);
        for (std::uint32_t& number : numbers) {
            number = static_cast<std::uint32_t>(random() % std::max(shape.rules, flows));
        }
        return numbers;
    }
    FrameList frames_;
    std::vector<std::vector<std::uint8_t>> bytes_;
    std::vector<PacketView> packets_;
    std::size_t at_ = 0;
};

FirewallQuestion question_about(const TenantView& tenant, const IpView& ip) {
    return question_of(tenant, {.source = ip.source,
                                .destination = ip.destination,
                                .family = ip.family,
                                .protocol = ip.protocol,
                                .asked_port = ip.destination_port,
                                .real_port = ip.destination_port,
                                .in_interface = 0,
                                .out_interface = 1});
}

void nat_class(benchmark::State& state) {
    const auto image = make_image(shape_of(state));
    Packets packets(shape_of(state));
    const TenantView& tenant = image->tenants()[0];
    const auto match_of = [&](const PacketView& packet) {
        return source_match_of(
            tenant.source_matches, tenant.nat_class(packet.ip.source, Family::v4), 1,
            [&]() -> const image::NatClass& { return tenant.nat_class(packet.ip.destination, Family::v4); });
    };
    for (const PacketView& packet : packets.all()) require(match_of(packet) != nullptr, "SNAT");
    measure_items(state, 1, [&] { benchmark::DoNotOptimize(match_of(packets.next())); });
}

void firewall_question(benchmark::State& state) {
    const auto image = make_image(shape_of(state));
    Packets packets(shape_of(state));
    measure_items(state, 1,
                  [&] { benchmark::DoNotOptimize(question_about(image->tenants()[0], packets.next().ip)); });
}

std::vector<FirewallQuestion> questions(const Image& image, const Packets& packets) {
    std::vector<FirewallQuestion> result;
    for (const PacketView& packet : packets.all()) {
        result.push_back(question_about(image.tenants()[0], packet.ip));
    }
    return result;
}

void rule_by_classifier(benchmark::State& state) {
    const auto image = make_image(shape_of(state));
    const auto asked = questions(*image, Packets(shape_of(state)));
    std::size_t at = 0;
    measure_items(state, 1,
                  [&] { benchmark::DoNotOptimize(deciding_rule(image->tenants()[0], asked[at++ % flows])); });
}

void rule_by_memo(benchmark::State& state) {
    const auto image = make_image(shape_of(state));
    const TenantView& tenant = image->tenants()[0];
    const auto asked = questions(*image, Packets(shape_of(state)));
    RuleMemo memo(1u << 15, secret);
    for (const FirewallQuestion& question : asked) {
        require(memo.decide(tenant, question).rule == deciding_rule(tenant, question), "a rule from the memo");
    }
    std::size_t at = 0;
    measure_items(state, 1, [&] { benchmark::DoNotOptimize(memo.decide(tenant, asked[at++ % flows])); });
}

/// The whole way from a parsed packet to its program.
void path_and_probe(benchmark::State& state) {
    const auto image = make_image(shape_of(state));
    Packets packets(shape_of(state));
    const auto trace = std::make_unique<Trace>();
    const SessionTable sessions(1u << 12, secret);
    const NatTable nat(*image, 1u << 12, secret);
    const LinkStates links;
    const StageTables tables{sessions, nat, secret, links};
    RuleMemo memo(1u << 15, secret);
    TraceCache cache(1u << 14, secret);
    const InterfaceRef ingress{0, 0};
    for (const PacketView& packet : packets.all()) {
        require(look_up_path(*image, tables, &memo, packet, ingress, true, *trace), "a path");
        const auto pipeline = std::make_unique<Trace>();
        run_pipeline(*image, tables, {&packet, 1}, true, ingress, *pipeline);
        const TraceKey key = TraceKey::of(*trace, packet.ip);
        require(key == TraceKey::of(*pipeline, packet.ip), "the key of the pipeline's trace");
        cache.insert(key, 0, 0, trace->last_hop().rule, 0);
    }
    measure_items(state, 1, [&] {
        const PacketView& packet = packets.next();
        look_up_path(*image, tables, &memo, packet, ingress, true, *trace);
        benchmark::DoNotOptimize(cache.find(TraceKey::of(*trace, packet.ip), 0, 0));
    });
}

/// The same packets through all stages, for comparison.
void pipeline(benchmark::State& state) {
    const auto image = make_image(shape_of(state));
    Packets packets(shape_of(state));
    const auto trace = std::make_unique<Trace>();
    const SessionTable sessions(1u << 12, secret);
    const NatTable nat(*image, 1u << 12, secret);
    const LinkStates links;
    measure_items(state, 1, [&] {
        run_pipeline(*image, {sessions, nat, secret, links}, {&packets.next(), 1}, true, {0, 0}, *trace);
        benchmark::DoNotOptimize(trace->fate);
    });
}

void by_rules(benchmark::internal::Benchmark* bench) {
    bench->ArgName("rules")->Arg(10)->Arg(1000)->Arg(10000);
}

BENCHMARK(nat_class)->Apply(by_rules);
BENCHMARK(firewall_question)->Apply(by_rules);
BENCHMARK(rule_by_classifier)->Apply(by_rules);
BENCHMARK(rule_by_memo)->Apply(by_rules);
BENCHMARK(path_and_probe)->Apply(by_rules);
BENCHMARK(pipeline)->Apply(by_rules);

}  // namespace
}  // namespace sluice::bench

BENCHMARK_MAIN();
