// SPDX-License-Identifier: Apache-2.0
//
// The same policy and the same packets through the gateway and through a Linux router (ip route, nftables with
// masquerade, snat, dnat and ct; VXLAN devices): the same verdicts, the same translated headers, the same
// answers, and connections that both lead from SYN to FIN or RST and once more. SLUICE_PROPERTY_RUNS multiplies
// the number of policies; SLUICE_PROPERTY_SEED runs one alone.
//
// What is left out, because the two mean to differ, each with its reason:
// - The source address and port that SNAT chooses: any of the pool is right (RFC 4787 REQ-1 to 4). Replies and
// quoted
//   packets are handed to each side with that side's own choice; a port that is nobody's mapping is given to
//   Linux as port 1, because Linux keeps ports and so other ports would be known there.
// - Mapping and filtering: the gateway's are endpoint-independent and address-dependent (RFC 4787 REQ-1 and 8),
// Linux's
//   depend on address and port. So no replies from other ports, and every flow has a source port of its own.
// - ECMP members: another hash. Peers and tags: no such thing there; `ttl: per-stage`: one router is one hop
// there.
// - TCP segments that no host in its right mind sends: Linux judges the order of segments, and RSTs by their
// numbers;
//   the gateway passes them on and lets only a plausible RST change its state (RFC 7857 2.2, seed-systems 0.4).
//   What comes before a handshake neither side knows.
// - What a server still sends after it refused a SYN by RST: Linux has forgotten the connection at once, the
// gateway
//   keeps it for 4 minutes (RFC 7857 2.2).
// - Fragments: Linux sends what it joined as one packet; both sides' datagrams are compared joined, and what
// stands in
//   front of them in a tunnel by the first.
// - ICMP errors from routers on the way: Linux gives them the end's address, the gateway leaves theirs, as RFC
// 5508 4.2
//   has it.
// - The sources and quotes of the errors that the two say themselves: Linux quotes what it had translated by
// then.
// - Net unreachable (3/0): Linux tells a source five times and then once a second; the limit is not to be set.
// - A packet that is too large and not allowed either: Linux looks at the size first.
// - Packets with a wrong layer 4 checksum to an own address, and ICMP errors with one: Linux looks at it there;
// the
//   gateway passes it on as wrong as it came (seed-systems 0.3, C5).
// - An IPv6 echo reply that is longer than its way out: Linux cuts it as its source may (RFC 8200 5), the
// gateway makes
//   no IPv6 fragments and drops it as MTU_DF.
// - IP IDs, and GRE, which Linux tracks by its keys.
// - In front of a frame in a tunnel: a packet marked CE gets ECT(0) there (RFC 3168 9.1.1) and CE here (RFC
// 6040 4.1);
//   the source port need only be one of the dynamic range, its hash is another (RFC 7348 5). Linux takes frames
//   from any endpoint, the gateway from the segment's remotes only: none come from others.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "tests/differential/linux_router.h"
#include "tests/differential/render_linux.h"
#include "tests/differential/tcp_talks.h"
#include "tests/support/bytes.h"
#include "tests/support/compiled_policy.h"
#include "tests/support/interpreter.h"
#include "tests/support/random_packets.h"
#include "tests/support/random_policy.h"
#include "tests/support/readdress.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

constexpr unsigned datagrams_a_policy = 200;
constexpr unsigned talk_percent = 35;  // of them segments of connections that go on
constexpr Time pace = nanoseconds_per_second / 50;
constexpr const char* another_verdict = "another verdict";

const PolicyShape plain_policies{.most_tenants = 2,
                                 .tags = true,
                                 .ipv6 = true,
                                 .ecmp = false,
                                 .peers = false,
                                 .provider = false,
                                 .source_check = false,
                                 .per_stage_ttl = false,
                                 .small_ports = false,
                                 .small_mtu = true,
                                 .all_services = false,
                                 .always_firewall = true};
const PacketShape plain_packets{.other_protocol = 0,
                                .tampered_reply = 0,
                                .orderly_tcp = true,
                                .errors_from_routers = false,
                                .edge_ports = false,
                                .new_ports = true};

Bytes without_tags(const Bytes& frame) {
    Bytes result = frame;
    const std::size_t length = l2_length(frame);
    result.erase(result.begin() + 12, result.begin() + static_cast<std::ptrdiff_t>(length - 2));
    return result;
}

/// Datagrams instead of their fragments, by where they left.
struct Left {
    std::uint16_t interface;
    Decoded packet;
    Bytes bytes;  // of the first fragment
};

std::vector<Left> datagrams(const std::vector<SentFrame>& frames) {
    std::vector<Left> result;
    for (const SentFrame& frame : frames) {
        const Decoded decoded = decode(frame.bytes);
        auto same = std::find_if(result.begin(), result.end(), [&](const Left& left) {
            return decoded.fragment_offset != 0 && left.packet.id == decoded.id &&
                   left.packet.source == decoded.source && left.packet.protocol == decoded.protocol;
        });
        if (same == result.end()) {
            result.push_back({frame.port, decoded, frame.bytes});
            result.back().packet.more_fragments = false;
        } else {
            append(same->packet.l4, decoded.l4);
        }
    }
    std::sort(result.begin(), result.end(),
              [](const Left& a, const Left& b) { return a.interface < b.interface; });
    return result;
}

bool zero_checksum(const Decoded& packet) {
    return packet.family == Family::v4 && packet.kind() == Kind::udp && packet.word(6) == 0;
}

bool right_checksum(const Decoded& packet) {
    return packet.checksum_offset() == 0 || zero_checksum(packet) || l4_residue(packet) == 0;
}

bool reset(const Decoded& packet) {
    return packet.kind() == Kind::tcp && (packet.tcp_flags() & 4) != 0;
}

bool error_message(const Decoded& packet) {
    return packet.kind() == Kind::icmp_error || reset(packet);
}

bool too_big(const Decoded& packet) {
    if (packet.kind() != Kind::icmp_error) return false;
    return packet.family == Family::v6 ? packet.byte(0) == 2 : packet.byte(0) == 3 && packet.byte(1) == 4;
}

bool no_route(const Decoded& packet) {
    return packet.kind() == Kind::icmp_error && packet.family == Family::v4 && packet.byte(0) == 3 &&
           packet.byte(1) == 0;
}

class Duel {
  public:
    Duel(std::uint64_t seed, const PolicyShape& policy_shape, const PacketShape& packet_shape)
        : text_(random_policy(seed, policy_shape)),
          compiled_(compile_policy(text_)),
          gateway_(*compiled_.image),
          source_(compiled_.policy, seed, packet_shape),
          talks_(compiled_.policy, ~seed),
          random_(seed ^ 0x7a1c) {
        // Behind the tenants are the routers that tunnels end at; their devices are part of the tenants'.
        while (text_.contains("tenants/tenant" + std::to_string(linux_.size()) + ".yaml")) {
            linux_.push_back(
                std::make_unique<LinuxRouter>(compiled_.policy, compiled_.policy.tenants[linux_.size()]));
        }
    }

    /// One datagram. Empty, or how the two differ.
    std::string step() {
        const bool talk = random_.percent(talk_percent);
        left_.clear();
        const std::string text = compare_one(talk ? std::vector{talks_.next()} : source_.next());
        if (talk) {
            talks_.saw(left_.size() == 1 ? std::optional(left_[0]) : std::nullopt);
        } else {
            for (const SentFrame& frame : left_) {
                if (!error_message(decode(frame.bytes))) source_.saw(frame);
            }
        }
        return text;
    }

    std::uint64_t datagrams_compared = 0, forwarded = 0, answered = 0, translated = 0, redirected = 0,
                  through_tunnels = 0;
    const TcpTalks& talks() const { return talks_; }

  private:
    std::string compare_one(const std::vector<SentFrame>& arrivals) {
        const Decoded first = decode(arrivals.front().bytes);
        const auto ingress = find_interface(arrivals.front().port, first.vids);
        std::optional<Outer> outer;
        if (ingress) outer = random_outer(interface_of(*ingress), first);
        std::vector<SentFrame> sent;
        for (const SentFrame& arrival : arrivals) {
            gateway_.advance(pace);
            const auto more =
                gateway_.inject(arrival.port, outer ? in_vxlan(*outer, arrival.bytes) : arrival.bytes);
            sent.insert(sent.end(), more.begin(), more.end());
        }
        if (!ingress) return sent.empty() ? "" : "a frame with unknown tags was answered";
        tenant_ = ingress->first;
        std::vector<Bytes> given;
        std::vector<Decoded> parts;
        for (const SentFrame& arrival : arrivals) parts.push_back(decode(arrival.bytes));
        std::sort(parts.begin(), parts.end(),
                  [](const Decoded& a, const Decoded& b) { return a.fragment_offset < b.fragment_offset; });
        const bool valid = !first.fault.empty() || !first.is_ip() || right_checksum(joined(parts));
        if (!valid && (to_own_address(first) || first.kind() == Kind::icmp_error)) return "";
        for (const SentFrame& arrival : arrivals) {
            given.push_back(as_linux_knows_it(arrival.bytes, parts.front()));
            if (outer) given.back() = in_vxlan(*outer, given.back());
        }
        std::vector<SentFrame> by_interface, inner;
        for (const SentFrame& frame : sent) {
            const auto at = find_interface(frame.port, decode(frame.bytes).vids);
            if (!at || at->first != tenant_) return "left by an interface of another tenant";
            const bool tunnelled = interface_of(*at).encapsulation != policy::Encapsulation::none;
            by_interface.push_back({at->second, tunnelled ? frame.bytes : without_tags(frame.bytes)});
            inner.push_back({frame.port, tunnelled ? open_vxlan(frame.bytes).inner : frame.bytes});
        }
        std::vector<Opened> our_outer, their_outer;
        const std::vector<Left> ours = datagrams(opened(by_interface, our_outer));
        std::vector<SentFrame> said = linux_[tenant_]->exchange(ingress->second, given);
        std::vector<Left> theirs = datagrams(opened(said, their_outer));
        std::string text = compare(ours, theirs, valid, parts.front());
        if (text == another_verdict) {
            const std::vector<SentFrame> late = linux_[tenant_]->late();
            said.insert(said.end(), late.begin(), late.end());
            their_outer.clear();
            theirs = datagrams(opened(said, their_outer));
            text = compare(ours, theirs, valid, parts.front());
        }
        if (text.empty() && ours.size() == theirs.size() && !own_words_)
            text = compare_outer(our_outer, their_outer);
        if (!text.empty()) {
            return text + "\n  into interface " + std::to_string(ingress->second) + " of tenant " +
                   std::to_string(tenant_) + ": " + describe(parts.front()) +
                   "\n  given to Linux: " + describe(decode(given.front())) + list("\n  gateway", ours) +
                   list("\n  Linux", theirs) + "\n" + text_.at("gateway.yaml") +
                   text_.at("tenants/tenant" + std::to_string(tenant_) + ".yaml") + render_nft(tenant());
        }
        if (!own_words_) left_ = inner;
        through_tunnels += !ours.empty() && (outer || !our_outer.empty());
        ++datagrams_compared;
        forwarded += !ours.empty() && !own_words_;
        redirected += !ours.empty() && !own_words_ && ours[0].packet.destination != first.destination;
        answered += own_words_;
        return "";
    }

    using Pair = std::pair<std::uint16_t, std::uint16_t>;

    const policy::Interface& interface_of(const Pair& pair) const {
        return compiled_.policy.tenants[pair.first].interfaces[pair.second];
    }

    /// As it comes from the other end of the interface's tunnel, if it has one; its marks may have met
    /// congestion.
    std::optional<Outer> random_outer(const policy::Interface& interface, const Decoded& inner) {
        if (interface.encapsulation == policy::Encapsulation::none) return std::nullopt;
        Outer outer = outer_of(compiled_.policy, interface);
        outer.tos = inner.tos;
        if (random_.percent(40)) outer.tos = static_cast<std::uint8_t>(random_.between(0, 255));
        if (random_.percent(2)) outer.vni ^= 0x100;
        if (random_.percent(2)) outer.flags = 0;
        if (random_.percent(5)) outer.no_udp_checksum = false;
        return outer;
    }

    /// Frames with what stands in front of them taken off, where they left by a tunnel; `outer` gets that.
    std::vector<SentFrame> opened(const std::vector<SentFrame>& frames, std::vector<Opened>& outer) const {
        std::vector<SentFrame> result;
        for (const SentFrame& frame : frames) {
            result.push_back(frame);
            if (tenant().interfaces[frame.port].encapsulation == policy::Encapsulation::none) continue;
            outer.push_back(open_vxlan(frame.bytes));
            result.back().bytes = outer.back().inner;
        }
        return result;
    }

    static std::string compare_outer(const std::vector<Opened>& ours, const std::vector<Opened>& theirs) {
        if (ours.empty() != theirs.empty()) return "one of them through a tunnel";
        for (std::size_t index = 0; index < ours.size(); ++index) {
            const Opened& our = ours[index];
            const Opened& their = theirs[std::min(index, theirs.size() - 1)];  // fragments: joined there
            // DF, TTL, UDP checksum and the VXLAN header's bits are what open_vxlan() wants.
            if (our.fault != their.fault) return "outer: " + our.fault + "; Linux: " + their.fault;
            if (our.vni != their.vni) return "VNI";
            if (our.outer.source_mac != their.outer.source_mac) return "outer source MAC";
            if (our.outer.destination_mac != their.outer.destination_mac) return "outer destination MAC";
            if (our.outer.source != their.outer.source) return "outer source";
            if (our.outer.destination != their.outer.destination) return "outer destination";
            if (our.outer.source_port() < 49152 || their.outer.source_port() < 49152)
                return "outer source port";
            // RFC 6040 4.1 copies CE; RFC 3168 9.1.1, which Linux does, begins anew with ECT(0).
            const std::uint8_t ecn = our.outer.tos & 3;
            const std::uint8_t tos = ecn == 3 ? our.outer.tos ^ 1 : our.outer.tos;
            if (tos != their.outer.tos) {
                return "outer TOS " + std::to_string(our.outer.tos) + ", Linux " +
                       std::to_string(their.outer.tos);
            }
        }
        return "";
    }

    std::optional<Pair> find_interface(std::uint16_t port, const std::vector<std::uint16_t>& vids) const {
        const auto tenants = static_cast<std::uint16_t>(linux_.size());
        for (std::uint16_t tenant = 0; tenant < tenants; ++tenant) {
            const auto& interfaces = compiled_.policy.tenants[tenant].interfaces;
            const auto count = static_cast<std::uint16_t>(interfaces.size());
            for (std::uint16_t index = 0; index < count; ++index) {
                if (interfaces[index].port == port && interfaces[index].vids == vids)
                    return Pair{tenant, index};
            }
        }
        return std::nullopt;
    }
    const policy::Tenant& tenant() const { return compiled_.policy.tenants[tenant_]; }
    bool to_own_address(const Decoded& packet) const {
        for (const policy::Interface& interface : tenant().interfaces) {
            for (const auto& one : interface.addresses) {
                if (one.subnet.family == packet.family && one.own == packet.destination) return true;
            }
        }
        return false;
    }
    bool in_pool(const Decoded& packet, Ip ip) const {
        return packet.family == Family::v4 &&
               std::any_of(tenant().snat.begin(), tenant().snat.end(), [&](const policy::Snat& rule) {
                   return std::count(rule.pool.begin(), rule.pool.end(), ip) != 0;
               });
    }

    /// What Linux chose for the same flow takes the place of what the gateway chose.
    Bytes as_linux_knows_it(const Bytes& arrival, const Decoded& first) const {
        Bytes frame = without_tags(arrival);
        if (!first.is_ip() || !first.fault.empty() || first.family != Family::v4) return frame;
        if (first.kind() == Kind::icmp_error) {
            const Bytes quoted(first.l4.begin() + 8, first.l4.end());
            for (const Sent& pair : sent_) {
                if (pair.tenant != tenant_ || quoted.size() > pair.ours.size()) continue;
                if (!std::equal(quoted.begin(), quoted.end(), pair.ours.begin())) continue;
                Packet packet;
                packet.source_mac = to_string(first.source_mac);
                packet.destination_mac = to_string(first.destination_mac);
                packet.source = to_string(first.source, Family::v4);
                packet.destination = to_string(pair.their_source, Family::v4);
                packet.icmp_type = first.byte(0);
                packet.icmp_code = first.byte(1);
                packet.ttl = first.ttl;
                packet.tos = first.tos;
                packet.dont_fragment = first.dont_fragment;
                packet.ip_options = first.options;
                packet.l4_checksum_error = checksums_valid(arrival) ? 0 : 0x1234;
                return icmp_error(packet,
                                  std::span(pair.theirs).first(std::min(quoted.size(), pair.theirs.size())));
            }
            return frame;
        }
        if (!in_pool(first, first.destination)) return frame;
        const auto known = choices_.find({tenant_, first.protocol, first.source, first.source_port(),
                                          first.destination, first.destination_port()});
        if (known != choices_.end()) {
            frame = with_destination(std::move(frame), known->second.first, known->second.second);
        } else if (first.destination_port() >= 1024 && !published(first)) {
            frame = with_destination(std::move(frame), first.destination, 1);
        }
        return frame;
    }
    bool published(const Decoded& packet) const {
        return std::any_of(tenant().dnat.begin(), tenant().dnat.end(), [&](const policy::Dnat& rule) {
            return rule.external == packet.destination && rule.ports->low == packet.destination_port();
        });
    }

    std::string compare(const std::vector<Left>& ours, const std::vector<Left>& theirs, bool valid,
                        const Decoded& arrival) {
        own_words_ = false;
        if (!ours.empty() || !theirs.empty()) {
            const Decoded& said = ours.empty() ? theirs[0].packet : ours[0].packet;
            const bool echo = arrival.kind() == Kind::echo_request && said.kind() == Kind::echo_reply;
            const bool error = said.kind() == Kind::icmp_error && arrival.kind() != Kind::icmp_error;
            own_words_ = echo || error || (reset(said) && !reset(arrival));
        }
        // Linux answers nothing with a wrong checksum; the gateway does not look.
        if (own_words_ && !valid) return "";
        if (theirs.size() == 1 && too_big(theirs[0].packet) && arrival.kind() != Kind::icmp_error) {
            if (ours.empty() || (own_words_ && !too_big(ours[0].packet))) return "";
        }
        if (own_words_ && theirs.empty() && no_route(ours[0].packet)) return "";
        if (ours.empty() && theirs.size() == 1 && long_echo_reply_v6(theirs[0])) return "";
        if (ours.size() != theirs.size()) return another_verdict;
        for (std::size_t index = 0; index < ours.size(); ++index) {
            const std::string text = own_words_ ? compare_answer(ours[index], theirs[index])
                                                : compare_forwarded(ours[index], theirs[index]);
            if (!text.empty()) return text;
        }
        return "";
    }

    bool long_echo_reply_v6(const Left& left) const {
        const Decoded& packet = left.packet;
        return packet.family == Family::v6 && packet.kind() == Kind::echo_reply &&
               packet.l4.size() + 40 > tenant().interfaces[left.interface].mtu;
    }

    static std::string compare_answer(const Left& ours, const Left& theirs) {
        const Decoded& our = ours.packet;
        const Decoded& their = theirs.packet;
        if (ours.interface != theirs.interface) return "answer: interface";
        if (our.destination_mac != their.destination_mac) return "answer: MAC";
        if (our.destination != their.destination) return "answer: destination";
        if (our.kind() != their.kind()) return "answer: kind";
        if (our.kind() == Kind::tcp) return our.source == their.source ? "" : "answer: source of the RST";
        if (our.byte(0) != their.byte(0) || our.byte(1) != their.byte(1)) return "answer: type";
        if (our.byte(0) == 3 && our.byte(1) == 4 && our.word(6) != their.word(6)) return "answer: MTU";
        return "";
    }

    std::string compare_forwarded(const Left& ours, const Left& theirs) {
        const Decoded& our = ours.packet;
        const Decoded& their = theirs.packet;
        std::string text;
        const auto check = [&text](bool equal, const char* name) {
            if (!equal) text += std::string(text.empty() ? "differ in " : ", ") + name;
        };
        check(ours.interface == theirs.interface, "interface");
        check(our.destination_mac == their.destination_mac, "destination MAC");
        check(our.source_mac == their.source_mac, "source MAC");
        check(our.family == their.family && our.protocol == their.protocol, "protocol");
        check(our.destination == their.destination, "destination");
        check(our.destination_port() == their.destination_port(), "destination port");
        check(our.ttl == their.ttl, "TTL");
        check(our.tos == their.tos, "TOS");
        check(our.options == their.options, "options");
        check(our.dont_fragment == their.dont_fragment, "DF");
        const bool chosen = in_pool(our, our.source) && in_pool(their, their.source);
        if (chosen) {
            choices_[{tenant_, our.protocol, our.destination, our.destination_port(), our.source,
                      our.source_port()}] = {their.source, their.source_port()};
            ++translated;
        } else {
            check(our.source == their.source, "source");
            check(our.source_port() == their.source_port(), "source port");
        }
        if (our.kind() == Kind::icmp_error) {
            const Decoded our_quote = decode_quoted(our), their_quote = decode_quoted(their);
            check(our_quote.source == their_quote.source, "quoted source");
            check(our_quote.source_port() == their_quote.source_port(), "quoted source port");
            // To whom a sender inside was talking may be another one's choice.
            if (!in_pool(our, our_quote.destination) || !in_pool(their, their_quote.destination)) {
                check(our_quote.destination == their_quote.destination, "quoted destination");
                check(our_quote.destination_port() == their_quote.destination_port(),
                      "quoted destination port");
            }
        } else {
            Decoded our_copy = our, their_copy = their;
            check(our_copy.untouched_l4() == their_copy.untouched_l4(), "payload");
            check(zero_checksum(our) == zero_checksum(their), "UDP checksum 0");
            if (!zero_checksum(our)) check(l4_residue(our) == l4_residue(their), "layer 4 checksum");
            remember(ours, theirs);
        }
        return text;
    }
    void remember(const Left& ours, const Left& theirs) {
        sent_.push_front({tenant_, ip_packet(ours.bytes), ip_packet(theirs.bytes), theirs.packet.source});
        if (sent_.size() > 200) sent_.pop_back();
    }
    static std::string list(const std::string& who, const std::vector<Left>& sent) {
        std::string text = who + ":";
        for (const Left& one : sent) {
            text += "\n    interface " + std::to_string(one.interface) + ": " + describe(one.packet);
        }
        return text + (sent.empty() ? " nothing" : "");
    }

    struct Sent {
        std::uint16_t tenant;
        Bytes ours, theirs;  // IP packets
        Ip their_source;
    };

    PolicyText text_;
    CompiledPolicy compiled_;
    TestGateway gateway_;
    PacketSource source_;
    TcpTalks talks_;
    Random random_;
    std::vector<SentFrame> left_;  // the gateway, of the last datagram; not the gateway's own words
    std::vector<std::unique_ptr<LinuxRouter>> linux_;
    std::uint16_t tenant_ = 0;
    bool own_words_ = false;
    std::deque<Sent> sent_;
    std::map<std::tuple<std::uint16_t, std::uint8_t, Ip, std::uint16_t, Ip, std::uint16_t>,
             std::pair<Ip, std::uint16_t>>
        choices_;
};

struct Totals {
    std::uint64_t compared = 0, forwarded = 0, answered = 0, translated = 0, redirected = 0, finished = 0,
                  reset = 0, again = 0, through_tunnels = 0;
};

/// `count` policies, or the one of SLUICE_PROPERTY_SEED; nothing where two differ.
std::optional<Totals> fight(std::uint64_t count, const PolicyShape& policies, const PacketShape& packets) {
    const char* factor = std::getenv("SLUICE_PROPERTY_RUNS");
    const char* one = std::getenv("SLUICE_PROPERTY_SEED");
    const std::uint64_t first = one == nullptr ? 1 : std::strtoull(one, nullptr, 0);
    if (one != nullptr) {
        count = 1;
    } else if (factor != nullptr) {
        count *= std::strtoull(factor, nullptr, 0);
    }
    Totals totals;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        Duel duel(seed, policies, packets);
        for (unsigned datagram = 0; datagram < datagrams_a_policy; ++datagram) {
            const std::string difference = duel.step();
            EXPECT_EQ(difference, "") << "seed " << seed << ", datagram " << datagram << "\n" << difference;
            if (!difference.empty()) return std::nullopt;
        }
        totals.compared += duel.datagrams_compared;
        totals.forwarded += duel.forwarded;
        totals.answered += duel.answered;
        totals.translated += duel.translated;
        totals.redirected += duel.redirected;
        totals.through_tunnels += duel.through_tunnels;
        totals.finished += duel.talks().finished;
        totals.reset += duel.talks().reset;
        totals.again += duel.talks().again;
    }
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    std::puts((number(count) + " policies: " + number(totals.compared) + " datagrams compared, " +
               number(totals.forwarded) + " forwarded (" + number(totals.translated) + " by SNAT, " +
               number(totals.redirected) + " to another destination, " + number(totals.through_tunnels) +
               " through tunnels), " + number(totals.answered) + " answered; " + number(totals.finished) +
               " FINs, " + number(totals.reset) + " RSTs, " + number(totals.again) + " SYNs of used ports")
                  .c_str());
    if (one != nullptr) return std::nullopt;
    return totals;
}

TEST(LinuxDifferential, SameVerdictsAndHeaders) {
    if (const std::string missing = LinuxRouter::unavailable(); !missing.empty()) GTEST_SKIP() << missing;
    const auto totals = fight(60, plain_policies, plain_packets);
    if (!totals) return;
    EXPECT_GE(totals->compared, 10000u);
    EXPECT_GE(totals->forwarded, 5000u);
    EXPECT_GE(totals->translated, 400u);
    EXPECT_GE(totals->redirected, 500u);
    EXPECT_GE(totals->finished, 100u);
    EXPECT_GE(totals->reset, 100u);
    EXPECT_GE(totals->again, 100u);
}

TEST(LinuxDifferential, SameThroughVxlan) {
    if (const std::string missing = LinuxRouter::unavailable(true); !missing.empty()) GTEST_SKIP() << missing;
    PolicyShape policies = plain_policies;
    policies.tunnels = true;
    PacketShape packets = plain_packets;
    packets.marked = 50;
    const auto totals = fight(30, policies, packets);
    if (!totals) return;
    EXPECT_GE(totals->compared, 5000u);
    EXPECT_GE(totals->through_tunnels, 1000u);
}

}  // namespace
}  // namespace sluice::test
