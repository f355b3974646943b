// SPDX-License-Identifier: Apache-2.0
//
// The same policy and the same packets through the gateway and through a Linux router (ip route, nftables): the
// same verdicts, the same translated headers, the same answers.
// SLUICE_PROPERTY_RUNS multiplies the number of policies; SLUICE_PROPERTY_SEED runs one alone.
//
// Left out because the two mean to differ, and why:
// - The source address and port that SNAT chooses: any of the pool is right. Replies and quoted packets are
// handed to
//   each side with that side's own choice; a port that is nobody's mapping is given to Linux as port 1, because
//   Linux keeps ports and so other ports would be known there.
// - Mapping and filtering: the gateway's are endpoint-independent and address-dependent (RFC 4787), Linux's
// depend on
//   address and port. So no replies from other ports, and every flow has a source port of its own.
// - ECMP members: another hash. Peers and tags: no such thing there; `ttl: per-stage`: one router is one hop
// there.
// - TCP beyond handshake and data: Linux judges sequence numbers of RSTs and the order of segments; no FIN, no
// RST, no
//   segments before the handshake except those that neither side knows.
// - Fragments: Linux sends what it joined as one packet; both sides' datagrams are compared joined.
// - ICMP errors from routers on the way: Linux gives them the end's address, the gateway leaves theirs.
// - The sources and quotes of the errors that the two say themselves: Linux quotes what it had translated by
// then.
// - Net unreachable (3/0): Linux tells a source five times and then once a second; the limit is not to be set.
// - A packet that is too large and not allowed either: Linux looks at the size first.
// - Packets with a wrong layer 4 checksum to an own address, and ICMP errors with one: Linux looks at it there;
// the
//   gateway passes it on as wrong as it came.
// - IP IDs, and GRE, which Linux tracks by its keys.
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
#include "tests/support/bytes.h"
#include "tests/support/compiled_policy.h"
#include "tests/support/interpreter.h"
#include "tests/support/random_packets.h"
#include "tests/support/random_policy.h"
#include "tests/support/readdress.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

constexpr std::uint64_t policies = 40;
constexpr unsigned datagrams_a_policy = 200;
constexpr Time pace = nanoseconds_per_second / 50;

const PolicyShape policy_shape{.most_tenants = 2,
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
const PacketShape packet_shape{.other_protocol = 0,
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

bool error_message(const Decoded& packet) {
    return packet.kind() == Kind::icmp_error || (packet.kind() == Kind::tcp && (packet.tcp_flags() & 4) != 0);
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
    explicit Duel(std::uint64_t seed)
        : text_(random_policy(seed, policy_shape)),
          compiled_(compile_policy(text_)),
          gateway_(*compiled_.image),
          source_(compiled_.policy, seed, packet_shape) {
        for (const policy::Tenant& tenant : compiled_.policy.tenants) {
            linux_.push_back(std::make_unique<LinuxRouter>(tenant));
        }
    }

    /// Empty, or how the two differ.
    std::string step() {
        const std::vector<SentFrame> arrivals = source_.next();
        const Decoded first = decode(arrivals.front().bytes);
        std::vector<SentFrame> sent;
        for (const SentFrame& arrival : arrivals) {
            gateway_.advance(pace);
            const auto more = gateway_.inject(arrival.port, arrival.bytes);
            sent.insert(sent.end(), more.begin(), more.end());
        }
        const auto ingress = find_interface(arrivals.front().port, first.vids);
        if (!ingress) return sent.empty() ? "" : "a frame with unknown tags was answered";
        tenant_ = ingress->first;
        std::vector<Bytes> given;
        std::vector<Decoded> parts;
        for (const SentFrame& arrival : arrivals) parts.push_back(decode(arrival.bytes));
        std::sort(parts.begin(), parts.end(),
                  [](const Decoded& a, const Decoded& b) { return a.fragment_offset < b.fragment_offset; });
        const bool valid = !first.fault.empty() || !first.is_ip() || right_checksum(joined(parts));
        if (!valid && (to_own_address(first) || first.kind() == Kind::icmp_error)) return "";
        for (const SentFrame& arrival : arrivals)
            given.push_back(as_linux_knows_it(arrival.bytes, parts.front()));
        const std::vector<Left> theirs = datagrams(linux_[tenant_]->exchange(ingress->second, given));
        std::vector<SentFrame> by_interface;
        for (const SentFrame& frame : sent) {
            const auto at = find_interface(frame.port, decode(frame.bytes).vids);
            if (!at || at->first != tenant_) return "left by an interface of another tenant";
            by_interface.push_back({at->second, without_tags(frame.bytes)});
        }
        const std::vector<Left> ours = datagrams(by_interface);
        const std::string text = compare(ours, theirs, valid, parts.front());
        if (!text.empty()) {
            return text + "\n  into interface " + std::to_string(ingress->second) + " of tenant " +
                   std::to_string(tenant_) + ": " + describe(parts.front()) +
                   "\n  given to Linux: " + describe(decode(given.front())) + list("\n  gateway", ours) +
                   list("\n  Linux", theirs) + "\n" + text_.at("gateway.yaml") +
                   text_.at("tenants/tenant" + std::to_string(tenant_) + ".yaml") +
                   render_nft(compiled_.policy.tenants[tenant_]);
        }
        for (std::size_t index = 0; index < sent.size(); ++index) {
            if (!error_message(decode(sent[index].bytes)) && !own_words_) source_.saw(sent[index]);
        }
        ++datagrams_compared;
        forwarded += !ours.empty() && !own_words_;
        redirected += !ours.empty() && !own_words_ && ours[0].packet.destination != first.destination;
        answered += own_words_;
        return "";
    }

    std::uint64_t datagrams_compared = 0, forwarded = 0, answered = 0, translated = 0, redirected = 0;

  private:
    using Pair = std::pair<std::uint16_t, std::uint16_t>;

    std::optional<Pair> find_interface(std::uint16_t port, const std::vector<std::uint16_t>& vids) const {
        const auto tenants = static_cast<std::uint16_t>(compiled_.policy.tenants.size());
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
            own_words_ = echo || (error_message(said) && !error_message(arrival));
        }
        // Linux answers nothing with a wrong checksum; the gateway does not look.
        if (own_words_ && !valid) return "";
        if (theirs.size() == 1 && too_big(theirs[0].packet) && !error_message(arrival)) {
            if (ours.empty() || (own_words_ && !too_big(ours[0].packet))) return "";
        }
        if (own_words_ && theirs.empty() && no_route(ours[0].packet)) return "";
        if (ours.size() != theirs.size()) return "another verdict";
        for (std::size_t index = 0; index < ours.size(); ++index) {
            const std::string text = own_words_ ? compare_answer(ours[index], theirs[index])
                                                : compare_forwarded(ours[index], theirs[index]);
            if (!text.empty()) return text;
        }
        return "";
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
    std::vector<std::unique_ptr<LinuxRouter>> linux_;
    std::uint16_t tenant_ = 0;
    bool own_words_ = false;
    std::deque<Sent> sent_;
    std::map<std::tuple<std::uint16_t, std::uint8_t, Ip, std::uint16_t, Ip, std::uint16_t>,
             std::pair<Ip, std::uint16_t>>
        choices_;
};

TEST(LinuxDifferential, SameVerdictsAndHeaders) {
    if (const std::string missing = LinuxRouter::unavailable(); !missing.empty()) GTEST_SKIP() << missing;
    const char* factor = std::getenv("SLUICE_PROPERTY_RUNS");
    const char* one = std::getenv("SLUICE_PROPERTY_SEED");
    const std::uint64_t first_seed = one == nullptr ? 1 : std::strtoull(one, nullptr, 0);
    const std::uint64_t count =
        one != nullptr ? 1 : policies * (factor == nullptr ? 1 : std::strtoull(factor, nullptr, 0));
    const std::uint64_t last_seed = first_seed + count - 1;
    std::uint64_t compared = 0, forwarded = 0, answered = 0, translated = 0, redirected = 0;
    for (std::uint64_t seed = first_seed; seed <= last_seed; ++seed) {
        Duel duel(seed);
        for (unsigned datagram = 0; datagram < datagrams_a_policy; ++datagram) {
            const std::string difference = duel.step();
            ASSERT_EQ(difference, "") << "seed " << seed << ", datagram " << datagram << "\n" << difference;
        }
        compared += duel.datagrams_compared;
        forwarded += duel.forwarded;
        answered += duel.answered;
        translated += duel.translated;
        redirected += duel.redirected;
    }
    std::printf(
        "seeds %d to %d: %d datagrams compared, %d forwarded (%d by SNAT, %d to another destination), %d "
        "answered\n",
        static_cast<int>(first_seed), static_cast<int>(last_seed), static_cast<int>(compared),
        static_cast<int>(forwarded), static_cast<int>(translated), static_cast<int>(redirected),
        static_cast<int>(answered));
    if (one != nullptr) return;
    EXPECT_GE(count, 20u);
    EXPECT_GE(compared, 2000u);
    EXPECT_GE(forwarded, 500u);
    EXPECT_GE(translated, 50u);
    EXPECT_GE(redirected, 50u);
}

}  // namespace
}  // namespace sluice::test
