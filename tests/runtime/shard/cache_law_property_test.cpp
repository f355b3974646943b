// SPDX-License-Identifier: Apache-2.0
//
// The law of the flow cache on random traffic: with it and without, every burst leaves the same frames, byte
// for byte, and every counter outside `cache` is the same; the balance holds and no buffer is lost. Frames come
// from both sides of several policies, in bursts, as replies to what left, as ARP and ND, in fragments, with
// options, mutated and cut. SLUICE_PROPERTY_RUNS=N runs N times as many sequences; a failing one names its
// seed.
#include <cstdlib>
#include <random>
#include <utility>

#include "runtime/packet/describe.h"
#include "schemas/layout/hexadecimal.h"
#include "schemas/layout/image_types.h"
#include "tests/runtime/shard/lab.h"
#include "tests/support/compile.h"
#include "tests/support/counted.h"
#include "tests/support/vxlan.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t bursts_per_sequence = 240;

/// Somebody else in the subnet of an address of ours.
Ip next_to(Ip ip, Family family) {
    if (family == Family::v4) return Ip::from_v4(ip.v4() + 8);
    return {ip.hi, ip.lo + 8};
}

struct Station {
    Packet packet;                              // with layer 2 and a source that fit its interface
    std::string our_side;                       // the gateway's address there
    std::optional<Outer> outer = std::nullopt;  // what is around its frames, where it is behind a tunnel
    bool switched = false;                      // it speaks to other stations of its segment as well
};

struct Port {
    std::string name;
    std::vector<Station> stations;
};

/// What a station or router behind an interface may say, taken from the image itself.
std::vector<Port> ports_of(const Image& image) {
    std::vector<Port> ports;
    for (const auto name : image.port_names()) ports.push_back({std::string(name), {}});
    for (const TenantView& tenant : image.tenants()) {
        for (const auto& address : tenant.addresses) {
            const auto& interface = tenant.interfaces[address.interface()];
            if (interface.kind() == image::InterfaceKind::Peer) continue;
            Packet packet;
            packet.destination_mac = to_string(from_image(interface.mac()));
            if (interface.tag_count() == 1) packet.vlan = interface.outer_vid();
            if (interface.tag_count() == 2) {
                packet.outer_vlan = interface.outer_vid();
                packet.vlan = interface.inner_vid();
            }
            const Ip ip = from_image(address.ip());
            const auto family = static_cast<Family>(address.family());
            packet.source = to_string(next_to(ip, family), family);
            std::vector<Station>& stations = ports[interface.port()].stations;
            if (interface.encapsulation() == image::Encapsulation::None) {
                stations.push_back({packet, to_string(ip, family)});
            }
            for (const auto& remote :
                 tenant.remotes.subspan(interface.first_remote(), interface.remote_count())) {
                const TenantView& underlay = image.tenants()[image.underlays()[interface.port()]];
                const Family outside = outer_family(interface);
                const Outer outer{.destination_mac = to_string(from_image(underlay.interfaces[0].mac())),
                                  .source = to_string(from_image(remote), outside),
                                  .destination = to_string(*underlay.tunnel_endpoint(outside), outside),
                                  .vni = interface.vni()};
                stations.push_back({packet, to_string(ip, family), outer, true});
            }
            const auto [first, last] = tenant.attachments_of(address.interface());
            for (std::uint16_t i = first; i < last; ++i) {
                const auto& attachment = tenant.interfaces[i];
                packet.vlan.reset();
                if (attachment.tag_count() == 1) packet.vlan = attachment.outer_vid();
                ports[attachment.port()].stations.push_back(
                    {packet, to_string(ip, family), std::nullopt, true});
            }
        }
    }
    return ports;
}

class Traffic {
  public:
    Traffic(const Image& image, std::uint32_t seed)
        : ports_(ports_of(image)), random_(seed), history_(ports_.size()), questions_(ports_.size()) {
        for (const TenantView& tenant : image.tenants()) {
            for (const auto& address : tenant.addresses) add(from_image(address.ip()), address.family());
            for (const auto& external : tenant.externals) add(from_image(external.ip()), external.family());
            for (const auto& neighbour : tenant.neighbours) add(from_image(neighbour.ip()), neighbour.family());
            for (const auto& rule : tenant.dnat_rules) {
                services_.push_back(rule.port_low());
                services_.push_back(rule.to_port());
            }
            if (tenant.rules.empty()) continue;
            const ServiceMapView classes = tenant.service_classes();
            for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
                for (std::uint16_t port = 65535; port != 0; --port) {  // where a range of some rule begins
                    const auto before = static_cast<std::uint16_t>(port - 1);
                    if (classes.lookup(Family::v4, protocol, port) !=
                        classes.lookup(Family::v4, protocol, before))
                        services_.push_back(port);
                }
            }
        }
        for (const char* far : {"198.18.0.9", "198.18.7.9", "172.20.0.5", "172.30.0.1", "10.9.0.1", "10.30.0.7",
                                "192.168.1.1", "255.255.255.255", "10.1.2.255"}) {
            v4_.push_back(far);
        }
        for (const char* far : {"2001:db8:9::9", "fe80::5", "ff02::1", "::"}) v6_.push_back(far);
        services_.insert(services_.end(), {7, 22, 53, 69, 70, 80, 443});
    }

    std::uint32_t below(std::uint32_t bound) { return bound == 0 ? 0 : random_() % bound; }
    bool one_in(std::uint32_t bound) { return below(bound) == 0; }

    std::pair<std::uint16_t, std::vector<Bytes>> burst() {
        std::uint32_t port;
        do port = below(static_cast<std::uint32_t>(ports_.size()));
        while (ports_[port].stations.empty());
        std::vector<Bytes> frames;
        const std::uint32_t count = 1 + below(one_in(10) ? 40 : 6);
        for (const SentFrame& question : std::exchange(questions_[port], {})) {
            if (!one_in(4)) frames.push_back(answer_question(question));
        }
        while (frames.size() < count) {
            std::vector<Bytes> some = !one_in(3) && !history_[port].empty() ? repeat(port) : invent(port);
            for (Bytes& frame : some) {
                if (one_in(40)) mutate(frame);
                if (one_in(30)) frame = padded(frame);
                frames.push_back(std::move(frame));
            }
        }
        for (const Bytes& frame : frames) {
            if (!one_in(3)) continue;
            if (history_[port].size() < 32)
                history_[port].push_back(frame);
            else
                history_[port][below(32)] = frame;
        }
        return {static_cast<std::uint16_t>(port), std::move(frames)};
    }
    void saw(const std::vector<SentFrame>& sent) {
        for (const SentFrame& frame : sent) {
            if (!answer_question(frame).empty()) questions_[frame.port].push_back(frame);
            if (left_.size() < 64)
                left_.push_back(frame);
            else
                left_[below(64)] = frame;
        }
    }

  private:
    void add(Ip ip, std::uint8_t family) {
        const auto which = static_cast<Family>(family);
        (which == Family::v4 ? v4_ : v6_).push_back(to_string(ip, which));
        (which == Family::v4 ? v4_ : v6_).push_back(to_string(next_to(ip, which), which));
    }
    template <typename T>
    const T& one_of(const std::vector<T>& of) {
        return of[below(static_cast<std::uint32_t>(of.size()))];
    }

    std::vector<Bytes> repeat(std::uint32_t port) { return {1 + below(4), one_of(history_[port])}; }

    std::vector<Bytes> invent(std::uint32_t port) {
        const Station& station = one_of(ports_[port].stations);
        Packet packet = station.packet;
        const bool v4 = packet.source.find(':') == std::string::npos;
        const std::vector<std::string>& hosts = v4 ? v4_ : v6_;
        if (station.switched && one_in(3)) {
            const auto somebody = [&] { return "02:cc:00:00:00:0" + std::to_string(below(4)); };
            packet.source_mac = somebody();
            packet.destination_mac = one_in(5) ? "ff:ff:ff:ff:ff:ff" : somebody();
        }
        const std::uint32_t what = below(20);
        if (what == 0) return wrapped({resolve(station, v4)}, station.outer);
        if (one_in(2)) packet.source = one_of(hosts);
        packet.destination = one_of(hosts);
        packet.source_port = static_cast<std::uint16_t>(one_in(4) ? one_of(services_) : 5000 + below(4));
        packet.destination_port = static_cast<std::uint16_t>(one_in(3) ? 5000 + below(4) : one_of(services_));
        packet.identifier = static_cast<std::uint16_t>(below(4));
        std::vector<const SentFrame*> mine;
        for (const SentFrame& frame : left_) {
            if (frame.port == port) mine.push_back(&frame);
        }
        if (one_in(2) && !mine.empty()) {
            const SentFrame& asked = *mine[below(static_cast<std::uint32_t>(mine.size()))];
            if (auto answered = answer(asked)) return *answered;
        }
        return wrapped(finish(packet,
                              what < 9    ? 17
                              : what < 15 ? 6
                              : what < 18 ? 1
                                          : 253,
                              one_in(2)),
                       station.outer);
    }

    std::vector<Bytes> wrapped(std::vector<Bytes> frames, std::optional<Outer> outer) {
        if (!outer) return frames;
        for (Bytes& frame : frames) {
            outer->tos = static_cast<std::uint8_t>(one_in(4) ? below(4) : 0);
            if (one_in(40)) outer->vni = below(8000);
            if (one_in(40)) outer->flags = static_cast<std::uint8_t>(below(256));
            frame = in_vxlan(*outer, frame);
        }
        return frames;
    }
    /// A frame that left, without its tunnel, and what is to be around an answer to it.
    static std::pair<Bytes, std::optional<Outer>> unwrapped(const SentFrame& sent) {
        const Opened opened = open_vxlan(sent.bytes);
        if (!opened.fault.empty()) return {sent.bytes, std::nullopt};
        return {opened.inner, Outer{.source_mac = to_string(opened.outer.destination_mac),
                                    .destination_mac = to_string(opened.outer.source_mac),
                                    .source = to_string(opened.outer.destination, opened.outer.family),
                                    .destination = to_string(opened.outer.source, opened.outer.family),
                                    .vni = opened.vni}};
    }

    /// ARP or ND: a request for an address of ours, or an answer about a neighbour.
    Bytes resolve(const Station& station, bool v4) {
        const Packet& packet = station.packet;
        const std::string mac = "02:cc:00:00:00:0" + std::to_string(below(4));
        if (v4) {
            return arp({.source_mac = mac,
                        .destination_mac = one_in(2) ? packet.destination_mac : "ff:ff:ff:ff:ff:ff",
                        .outer_vlan = packet.outer_vlan,
                        .vlan = packet.vlan,
                        .operation = static_cast<std::uint16_t>(1 + below(2)),
                        .sender_mac = mac,
                        .sender_ip = one_of(v4_),
                        .target_ip = one_in(3) ? one_of(v4_) : station.our_side});
        }
        NeighbourFrame frame{.source_mac = mac,
                             .destination_mac = packet.destination_mac,
                             .outer_vlan = packet.outer_vlan,
                             .vlan = packet.vlan,
                             .source = one_of(v6_),
                             .destination = station.our_side,
                             .target = one_in(2) ? one_of(v6_) : station.our_side,
                             .link_layer = one_in(4) ? "" : mac,
                             .solicited = one_in(2),
                             .override_flag = one_in(2)};
        if (one_in(2)) frame.target = frame.source;
        return one_in(2) ? neighbour_solicitation(frame) : neighbour_advertisement(frame);
    }

    /// What a neighbour answers to an ARP request or a neighbour solicitation of ours; empty for other frames.
    Bytes answer_question(const SentFrame& asked) {
        const auto [frame, outer] = unwrapped(asked);
        const Bytes answered = answer_inside(frame);
        if (answered.empty() || !outer) return answered;
        return in_vxlan(*outer, answered);
    }
    Bytes answer_inside(const Bytes& asked) {
        const Decoded request = decode(asked);
        const Packet to = answered_by(request);
        const std::string mac = "02:cc:00:00:00:0" + std::to_string(1 + below(2));
        const std::size_t at = l2_length(asked);
        if (request.ethertype == 0x0806 && asked[at + 7] == 1) {
            const auto ip_at = [&](std::size_t offset) {
                std::uint32_t ip = 0;
                for (std::size_t i = 0; i < 4; ++i) ip = ip << 8 | asked[at + offset + i];
                return to_string(Ip::from_v4(ip), Family::v4);
            };
            return arp({.source_mac = mac,
                        .destination_mac = to.destination_mac,
                        .outer_vlan = to.outer_vlan,
                        .vlan = to.vlan,
                        .operation = 2,
                        .sender_mac = mac,
                        .sender_ip = ip_at(24),
                        .target_mac = to.destination_mac,
                        .target_ip = ip_at(14)});
        }
        if (request.protocol != 58 || request.byte(0) != 135) return {};
        Ip target;
        for (std::size_t i = 0; i < 8; ++i) {
            target.hi = target.hi << 8 | request.byte(8 + i);
            target.lo = target.lo << 8 | request.byte(16 + i);
        }
        return neighbour_advertisement({.source_mac = mac,
                                        .destination_mac = to.destination_mac,
                                        .outer_vlan = to.outer_vlan,
                                        .vlan = to.vlan,
                                        .source = to_string(target, Family::v6),
                                        .destination = to_string(request.source, Family::v6),
                                        .target = to_string(target, Family::v6),
                                        .link_layer = mac,
                                        .solicited = true,
                                        .override_flag = true});
    }

    /// Layer 2 of a frame that goes back where `request` went.
    static Packet answered_by(const Decoded& request) {
        Packet packet;
        if (!request.vids.empty()) packet.vlan = request.vids.back();
        if (request.vids.size() == 2) packet.outer_vlan = request.vids.front();
        packet.source_mac = to_string(request.destination_mac);
        packet.destination_mac = to_string(request.source_mac);
        return packet;
    }

    /// The reply to a frame that left, or an ICMP error about it.
    std::optional<std::vector<Bytes>> answer(const SentFrame& sent) {
        const auto [asked, outer] = unwrapped(sent);
        const Decoded request = decode(asked);
        Packet packet = answered_by(request);
        if (!request.is_ip() || !request.fault.empty()) return std::nullopt;
        packet.source = to_string(request.destination, request.family);
        packet.destination = to_string(request.source, request.family);
        if (one_in(6)) {
            if (one_in(2)) packet.source = request.family == Family::v4 ? "198.18.0.1" : "2001:db8:9::1";
            packet.icmp_type = request.family == Family::v4 ? (one_in(2) ? 3 : 11) : 1 + below(4);
            packet.icmp_code = static_cast<std::uint8_t>(below(4));
            const Bytes quoted = ip_packet(asked);
            const std::size_t length = std::min<std::size_t>(quoted.size(), 28 + below(500));
            return wrapped({icmp_error(packet, {quoted.data(), length})}, outer);
        }
        packet.source_port = request.destination_port();
        packet.destination_port = request.source_port();
        packet.identifier = request.source_port();
        const bool syn_seen = (request.tcp_flags() & syn) != 0;
        if (syn_seen) packet.tcp_flags = syn | ack;
        return wrapped(finish(packet, request.protocol, false, syn_seen), outer);
    }

    std::vector<Bytes> finish(Packet packet, std::uint8_t protocol, bool asks, bool keep_flags = false) {
        const bool v4 = packet.source.find(':') == std::string::npos;
        packet.payload.assign(one_in(12) ? below(1480) : below(120), 0x5a);
        packet.ttl = static_cast<std::uint8_t>(one_in(15) ? below(5) : 64);
        packet.id = static_cast<std::uint16_t>(random_());
        packet.dont_fragment = one_in(2);
        packet.no_udp_checksum = v4 && one_in(8);
        packet.sequence = one_in(2) ? 1000 : 1000 + below(200'000);
        packet.acknowledgement = one_in(2) ? 2000 : 2000 + below(200'000);
        if (!keep_flags) {
            constexpr std::uint8_t flags[] = {ack, ack,       ack,       ack, syn,
                                              syn, syn | ack, fin | ack, rst, rst | ack};
            packet.tcp_flags = asks ? syn : flags[below(10)];
        }
        if (one_in(25) && v4) packet.ip_options = {1, 1, 1, 0};
        if (one_in(25) && !v4) packet.extensions = {{60, {0, 1, 4, 0, 0, 0, 0}}};
        Bytes frame;
        if (protocol == 17)
            frame = udp(packet);
        else if (protocol == 6)
            frame = tcp(packet);
        else if (protocol == 1 || protocol == 58)
            frame = one_in(3) ? echo_reply(packet) : echo_request(packet);
        else
            frame = ip_protocol(packet, protocol);
        if (!one_in(12) || packet.payload.size() < 32 || !packet.extensions.empty()) return {frame};
        auto pieces = fragments(frame, 8 * (1 + packet.payload.size() / 8 / (1 + below(3))), packet.id);
        std::shuffle(pieces.begin(), pieces.end(), random_);
        if (one_in(5)) pieces.pop_back();
        if (one_in(8) && !pieces.empty()) pieces.push_back(pieces.front());
        return pieces;
    }

    void mutate(Bytes& frame) {
        for (std::uint32_t i = 0; i <= below(3); ++i) {
            if (frame.empty()) return;
            if (one_in(4))
                frame.resize(below(static_cast<std::uint32_t>(frame.size())) + 1);
            else
                frame[below(static_cast<std::uint32_t>(frame.size()))] = static_cast<std::uint8_t>(random_());
        }
    }

    std::vector<Port> ports_;
    std::mt19937 random_;
    std::vector<std::vector<Bytes>> history_;        // what was sent lately, by port
    std::vector<std::vector<SentFrame>> questions_;  // of ours, to be answered with the next burst of that port
    std::vector<std::string> v4_, v6_;
    std::vector<std::uint16_t> services_;
    std::vector<SentFrame> left_;
};

Numbers sessions_of(Shard& shard) {
    Numbers numbers;
    shard.sessions().for_each([&](SessionRef ref, const Session& session) {
        const std::string name = "session " + std::to_string(ref.index);
        numbers.emplace_back(name + " generation", ref.generation);
        numbers.emplace_back(name + " state", static_cast<std::uint64_t>(session.tcp.state));
        for (std::size_t direction = 0; direction < 2; ++direction) {
            numbers.emplace_back(name + " packets", session.packets[direction]);
            numbers.emplace_back(name + " bytes", session.bytes[direction]);
        }
    });
    return numbers;
}

std::string text_of(const std::vector<SentFrame>& sent, std::size_t at) {
    if (at >= sent.size()) return "nothing";
    const std::span<const std::uint8_t> bytes(sent[at].bytes);
    return "port " + std::to_string(sent[at].port) + ": " + sluice::describe(bytes) + "\n  " +
           hexadecimal(bytes);
}

/// Where two runs part; empty where they do not.
std::string parting(const std::vector<SentFrame>& with, const std::vector<SentFrame>& without) {
    for (std::size_t i = 0; i < std::max(with.size(), without.size()); ++i) {
        if (i < with.size() && i < without.size() && with[i] == without[i]) continue;
        return "frame " + std::to_string(i) + "\nwith the cache " + text_of(with, i) + "\nwithout " +
               text_of(without, i);
    }
    return "";
}

struct Total {
    std::uint64_t hits = 0, frames = 0;
};

void run_sequence(const Image& image, std::uint32_t seed, ShardSettings settings, Total& total) {
    Traffic traffic(image, seed);
    settings.cache = seed % 2 == 0 ? CacheTiers::flow_table : CacheTiers::trace_cache;
    TestGateway with(image, settings);
    settings.cache = CacheTiers::none;
    TestGateway without(image, settings);
    const std::string where = std::string(image.gateway()) + ", seed " + std::to_string(seed) + ", burst ";
    for (std::uint32_t i = 0; i < bursts_per_sequence; ++i) {
        if (traffic.one_in(4)) {
            const Time pause =
                traffic.one_in(20) ? seconds(traffic.below(400)) : seconds(1) * traffic.below(40) / 10;
            const auto one = with.advance(pause), other = without.advance(pause);
            ASSERT_EQ(parting(one, other), "") << where << i << ", before";
            traffic.saw(one);
        }
        const auto [port, frames] = traffic.burst();
        const auto one = with.inject(port, frames), other = without.inject(port, frames);
        ASSERT_EQ(parting(one, other), "") << where << i;
        traffic.saw(one);
        total.frames += frames.size();
        ASSERT_TRUE(with.counters().balanced()) << where << i;
        ASSERT_TRUE(without.counters().balanced()) << where << i;
        ASSERT_EQ(with.frames_in_use(), with.counters().held) << where << i;
        if (i % 8 != 7) continue;
        ASSERT_EQ(first_difference(numbers_of(image, with.counters()), numbers_of(image, without.counters())),
                  "")
            << where << i;
    }
    ASSERT_EQ(first_difference(sessions_of(with.shard()), sessions_of(without.shard())), "") << where;
    total.hits += with.counters().cache.flow_hits;
}

std::uint32_t runs() {
    const char* times = std::getenv("SLUICE_PROPERTY_RUNS");
    return 3 * (times != nullptr ? static_cast<std::uint32_t>(std::atoi(times)) : 1);
}

void run_policy(const Image& image) {
    Total total;
    for (std::uint32_t seed = 1; seed <= runs(); ++seed) {
        ShardSettings settings{.seed = seed};
        // Small tables now and then: evictions, refusals, reuse of places.
        if (seed % 3 == 0) {
            settings.flows = 8;
            settings.sessions = 16;
            settings.neighbours = 12;
            settings.datagrams = 2;
        }
        ASSERT_NO_FATAL_FAILURE(run_sequence(image, seed, settings, total));
    }
    EXPECT_GT(total.hits, total.frames / 1000) << "the traffic must exercise the cache";
}

TEST(CacheLawProperty, lab) {
    run_policy(lab());
}
TEST(CacheLawProperty, lab_per_stage) {
    run_policy(lab_per_stage());
}
TEST(CacheLawProperty, t1) {
    run_policy(*compile_directory("tests/acceptance/t1"));
}
TEST(CacheLawProperty, overlay) {
    run_policy(*compile_directory("tests/acceptance/overlay"));
}
TEST(CacheLawProperty, tunnels_over_ipv4_and_ipv6) {
    run_policy(*compile_directory("tests/acceptance/two-underlays"));
}
TEST(CacheLawProperty, bridge) {
    run_policy(*compile_directory("tests/acceptance/bridge"));
}
TEST(CacheLawProperty, smallest) {
    run_policy(*compile_directory("rules/smallest"));
}
TEST(CacheLawProperty, two_tenants) {
    run_policy(*compile_directory("rules/two-tenants"));
}
TEST(CacheLawProperty, office) {
    run_policy(*compile_directory("rules/office"));
}

}  // namespace
}  // namespace sluice::test
