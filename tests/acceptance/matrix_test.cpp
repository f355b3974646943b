// SPDX-License-Identifier: Apache-2.0
//
// Every kind of NAT × firewall × IPv4/IPv6 × cache, and in each of these every kind of traffic: UDP, TCP from
// SYN to FIN, echo, fragments in every order, ICMP errors from outside and from inside. Two tenants with the
// same addresses say the same things at the same time. The slow interpreter (tests/support/interpreter.h)
// judges each frame; that tenants do not cross, and that what must pass does, is judged here without it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "tests/support/compiled_policy.h"
#include "tests/support/interpreter.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

enum class Nat { none, snat, snat_open, dnat_port, dnat_address, one_to_one, hairpin };
enum class Firewall { none, allow, drop, reject };

constexpr Nat all_nat[] = {Nat::none,         Nat::snat,       Nat::snat_open, Nat::dnat_port,
                           Nat::dnat_address, Nat::one_to_one, Nat::hairpin};
constexpr Firewall all_firewalls[] = {Firewall::none, Firewall::allow, Firewall::drop, Firewall::reject};

constexpr Time pace = nanoseconds_per_second / 50;  // below the limit of ICMP errors
constexpr const char* router_mac = "02:00:5e:00:01:01";
constexpr const char* outside_mac = "02:00:00:00:09:01";
constexpr std::size_t tenants = 2;
constexpr std::uint16_t lan_vlan[tenants] = {110, 210}, net_vlan[tenants] = {910, 920};

/// The same for both tenants but where it says so.
struct Addresses {
    std::string host, second, peer, stranger, middle;
    std::string external[tenants];
};
Addresses addresses(Family family) {
    if (family == Family::v4) {
        return {"10.1.1.5",    "10.1.1.6",   "198.18.0.9",
                "198.18.0.10", "198.18.7.1", {"203.0.113.20", "203.0.113.40"}};
    }
    return {"fd00:1::5",      "fd00:1::6",     "2001:db8:9::9",
            "2001:db8:9::10", "2001:db8:7::1", {"2001:db8:ffff::20", "2001:db8:ffff::40"}};
}

std::string nat_rules(Nat nat, Family family, std::size_t tenant) {
    const std::string external = addresses(family).external[tenant];
    const std::string host = addresses(family).host;
    const auto port = [&](const std::string& ip, const char* number) {
        return (family == Family::v4 ? ip : "[" + ip + "]") + ":" + number;
    };
    // Another address than that of the published host.
    const std::string pool = family == Family::v4 ? "203.0.113.2" + std::to_string(tenant) + "1"
                                                  : "2001:db8:ffff::1" + std::to_string(tenant);
    const std::string sources = family == Family::v4 ? "10.1.1.0/24" : "fd00:1::/64";
    const std::string snat = "  - {snat: \"" + sources + "\", out: net, to: \"" + pool + "\"";
    const std::string dnat = "  - {dnat: \"" + external + "\", on: net, to: \"" + host + "\"}\n";
    switch (nat) {
        case Nat::none:
            return "";
        case Nat::snat:
            return snat + "}\n";
        case Nat::snat_open:
            return snat + ", filter: endpoint-independent}\n";
        case Nat::dnat_port:
            return "  - {dnat: \"tcp " + port(external, "80") + "\", on: net, to: \"" + port(host, "8080") +
                   "\"}\n  - {dnat: \"udp " + port(external, "80") + "\", on: net, to: \"" +
                   port(host, "8080") + "\"}\n";
        case Nat::dnat_address:
            return dnat;
        case Nat::one_to_one:
            return "  - {one-to-one: \"" + external + "\", inside: \"" + host + "\", on: net}\n";
        case Nat::hairpin:
            return dnat + snat + "}\n";
    }
    return "";
}

std::string firewall_section(Firewall firewall) {
    const auto rule = [](const std::string& action, const std::string& otherwise) {
        return "firewall: {default: " + otherwise +
               ", rules: [{name: all, from: any, to: any, action: " + action + "}]}\n";
    };
    switch (firewall) {
        case Firewall::none:
            return "";
        case Firewall::allow:
            return rule("allow", "drop");
        case Firewall::drop:
            return rule("drop", "allow");
        case Firewall::reject:
            return rule("reject", "allow");
    }
    return "";
}

PolicyText policy(Nat nat, Firewall firewall, Family family) {
    PolicyText texts{{"gateway.yaml", R"(gateway: matrix
mac: 02:00:5e:00:01:01
ports: {access0: {mtu: 1500}, uplink0: {mtu: 1500}}
tenants: [a.yaml, b.yaml]
)"}};
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        const std::string name(1, "ab"[tenant]);
        const std::string rules = nat_rules(nat, family, tenant);
        texts[name + ".yaml"] = "tenant: " + name + R"(
segments:
  lan:
    vlan: {port: access0, id: )" +
                                std::to_string(lan_vlan[tenant]) + R"(}
    gateway: [10.1.1.1/24, "fd00:1::1/64"]
    neighbours:
      10.1.1.5: "02:00:00:00:01:05"
      10.1.1.6: "02:00:00:00:01:06"
      "fd00:1::5": "02:00:00:00:01:05"
      "fd00:1::6": "02:00:00:00:01:06"
uplinks:
  net:
    vlan: {port: uplink0, id: )" +
                                std::to_string(net_vlan[tenant]) + R"(}
    address: [203.0.113.)" + std::to_string(2 + tenant) +
                                R"(/24, "2001:db8:ffff::)" + std::to_string(2 + tenant) + R"(/64"]
    neighbours: {203.0.113.1: "02:00:00:00:09:01", "2001:db8:ffff::1": "02:00:00:00:09:01"}
routes:
  - {to: 0.0.0.0/0, via: 203.0.113.1}
  - {to: "::/0", via: "2001:db8:ffff::1"}
)" + (rules.empty() ? "" : "nat:\n" + rules) +
                                firewall_section(firewall);
    }
    return texts;
}

std::string mac_of(const std::string& ip) {
    const char last = ip.back();
    return ip.rfind("10.1.1.", 0) == 0 || ip.rfind("fd00:1::", 0) == 0 ? std::string("02:00:00:00:01:0") + last
                                                                       : outside_mac;
}

bool is_inside(const std::string& ip) {
    return mac_of(ip) != outside_mac;
}

/// What left, as its receiver has it: one frame, or the fragments of a datagram.
using Arrived = std::vector<Bytes>;

/// Both tenants' gateway, and the oracle beside it.
class Matrix : public testing::TestWithParam<std::tuple<Nat, Firewall, Family>> {
  protected:
    Matrix()
        : nat(std::get<0>(GetParam())),
          firewall(std::get<1>(GetParam())),
          family(std::get<2>(GetParam())),
          at(addresses(family)),
          compiled_(compile_policy(policy(nat, firewall, family), 1)) {}

    /// One kind of traffic, with the cache off, with the flow table, with all tiers.
    template <typename Say>
    void with_each_cache(const char* traffic, Say say) {
        for (const CacheTiers tiers : all_cache_tiers) {
            traffic_ = traffic + (", " + name_of(tiers));
            begin(tiers);
            say();
            finish(tiers);
        }
    }
    void begin(CacheTiers tiers) {
        ShardSettings settings;
        settings.sessions = settings.wide_sessions = settings.flows = 64;
        settings.traces = settings.programs = settings.rule_answers = 64;
        settings.neighbours = settings.stations = settings.datagrams = 64;
        settings.cache = tiers;
        gateway_ = std::make_unique<TestGateway>(*compiled_.image, settings);
        oracle_ = std::make_unique<Interpreter>(compiled_.policy);
    }
    void finish(CacheTiers tiers) {
        EXPECT_TRUE(gateway_->counters().balanced()) << traffic_;
        EXPECT_EQ(gateway_->frames_in_use(), gateway_->counters().held) << traffic_;
        if (tiers == CacheTiers::none) {
            EXPECT_EQ(gateway_->counters().cache.flow_hits, 0u) << traffic_;
        }
    }

    /// From a host of the tenant's, or from outside, by what `packet` says its source is.
    Packet addressed(std::size_t tenant, Packet packet) const {
        packet.source_mac = mac_of(packet.source);
        packet.destination_mac = router_mac;
        packet.vlan = is_inside(packet.source) ? lan_vlan[tenant] : net_vlan[tenant];
        packet.payload.push_back(static_cast<std::uint8_t>(tenant));  // whose it is
        return packet;
    }
    Arrived send(std::size_t tenant, const Bytes& frame) {
        const Decoded sent = decode(frame);
        const std::uint16_t port =
            gateway_->port_of(is_inside(to_string(sent.source, family)) ? "access0" : "uplink0");
        gateway_->advance(pace);
        const auto before = gateway_->counters().drops;
        Observation observed;
        observed.sent = gateway_->inject(port, frame);
        const auto& after = gateway_->counters().drops;
        for (std::size_t component = 0; component < after.size(); ++component) {
            for (std::size_t reason = 0; reason < drop_reason_count; ++reason) {
                const std::uint64_t count = after[component][reason] - before[component][reason];
                observed.drops.insert(observed.drops.end(), count,
                                      std::string(sluice::name_of(static_cast<DropReason>(reason))));
            }
        }
        const std::string where = traffic_ + ", tenant " + "ab"[tenant] + ": " + describe(sent);
        EXPECT_EQ(difference(oracle_->judge(port, frame, observed), observed), "") << where;
        Arrived arrived;
        for (const SentFrame& left : observed.sent) {
            arrived.push_back(left.bytes);
            const std::set<std::uint16_t> own = {lan_vlan[tenant], net_vlan[tenant]};
            const auto vids = decode(left.bytes).vids;
            EXPECT_TRUE(vids.size() == 1 && own.contains(vids[0])) << where << "\ncrossed to the other tenant";
            EXPECT_TRUE(checksums_valid(left.bytes)) << where;
        }
        return arrived;
    }

    // The client of this kind of NAT, and how it knows its server.
    bool from_outside() const {
        return nat == Nat::dnat_port || nat == Nat::dnat_address || nat == Nat::one_to_one;
    }
    std::string client() const { return from_outside() ? at.peer : nat == Nat::hairpin ? at.second : at.host; }
    std::string server(std::size_t tenant) const {
        return from_outside() || nat == Nat::hairpin ? at.external[tenant] : at.peer;
    }
    /// Without asking the oracle: does the policy let the client's traffic through?
    bool passes(Kind kind) const {
        if (nat == Nat::dnat_port && kind == Kind::echo_request)
            return false;  // ports are published, not the host
        return firewall == Firewall::allow || (firewall == Firewall::none && !from_outside());
    }
    Packet request(std::size_t tenant) const {
        return addressed(tenant, {.source = client(), .destination = server(tenant), .source_port = 40000});
    }
    /// What the receiver answers to what arrived; where nothing did, what a guesser would send.
    Packet answer(std::size_t tenant, const Arrived& arrived) const {
        Packet packet{
            .source = from_outside() || nat == Nat::hairpin ? at.host : at.peer,
            .destination = from_outside()        ? at.peer
                           : nat == Nat::hairpin ? at.external[tenant]
                                                 : at.host,
            .source_port = 81,  // not 80: from inside it may open a session, and its answer would pass
            .destination_port = 40000};
        if (!arrived.empty()) {
            const Decoded first = decode(arrived[0]);
            packet.source = to_string(first.destination, family);
            packet.destination = to_string(first.source, family);
            packet.source_port = first.destination_port();
            packet.destination_port = packet.identifier = first.source_port();
        }
        return addressed(tenant, packet);
    }
    /// Of what arrived, the frames of this kind; the rest is the gateway's own refusal.
    std::size_t count(const Arrived& arrived, Kind kind) const {
        return static_cast<std::size_t>(std::count_if(arrived.begin(), arrived.end(), [&](const Bytes& frame) {
            const Decoded packet = decode(frame);
            const bool reset = (packet.tcp_flags() & 4) != 0;
            return packet.kind() == kind ? !reset : packet.fragment_offset != 0;
        }));
    }
    void expect_passed(const Arrived& arrived, Kind kind, std::size_t frames = 1) const {
        EXPECT_EQ(count(arrived, kind), passes(kind) ? frames : 0) << traffic_;
    }
    /// A tenant with neither NAT nor firewall keeps no sessions.
    bool stateless() const { return nat == Nat::none && firewall == Firewall::none; }
    /// Where the request was refused, its receiver may still say something of its own accord, if it may open.
    void expect_back(const Arrived& arrived, const Arrived& request, Kind kind, std::size_t frames = 1) const {
        const bool opens = kind == Kind::udp && from_outside() && firewall == Firewall::none;
        EXPECT_EQ(count(arrived, kind), (passes(kind) && !request.empty()) || opens ? frames : 0) << traffic_;
    }
    void say_udp();
    void say_tcp();
    void say_echo();
    void say_fragments();
    void say_errors(bool about_request);

    Nat nat;
    Firewall firewall;
    Family family;
    Addresses at;

    std::string traffic_;
    std::unique_ptr<TestGateway> gateway_;

  private:
    CompiledPolicy compiled_;
    std::unique_ptr<Interpreter> oracle_;
};

void Matrix::say_udp() {
    Arrived there[tenants];
    for (int round = 0; round < 3; ++round) {  // the second and third from the cache, where there is one
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            there[tenant] = send(tenant, udp(request(tenant)));
            expect_passed(there[tenant], Kind::udp);
        }
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            expect_back(send(tenant, udp(answer(tenant, there[tenant]))), there[tenant], Kind::udp);
        }
    }
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        Packet packet = answer(tenant, there[tenant]);
        packet.source = nat == Nat::hairpin || from_outside() ? at.second : at.stranger;
        if (from_outside()) packet.destination = at.peer;
        packet.payload.pop_back();
        const Arrived strange = send(tenant, udp(addressed(tenant, packet)));
        const bool open = nat == Nat::snat_open && firewall == Firewall::allow;
        if (nat == Nat::snat || nat == Nat::snat_open) {
            EXPECT_EQ(count(strange, Kind::udp), open);
        }
        // And what the other tenant is known by outside is nobody here.
        packet = {.source = at.stranger, .destination = at.external[1 - tenant], .destination_port = 80};
        for (const Bytes& frame : send(tenant, udp(addressed(tenant, packet)))) {
            EXPECT_NE(decode(frame).vids, std::vector<std::uint16_t>{lan_vlan[tenant]});
        }
    }
}

void Matrix::say_tcp() {
    constexpr std::uint8_t fin = 1, syn = 2, ack = 16;
    Arrived there[tenants];
    const auto say = [&](bool forward, std::uint8_t flags, std::uint32_t sequence, std::size_t bytes) {
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            Packet packet = forward ? request(tenant) : answer(tenant, there[tenant]);
            packet.tcp_flags = flags;
            packet.sequence = sequence;
            packet.acknowledgement = 7000;
            packet.payload = Bytes(bytes, static_cast<std::uint8_t>(tenant));
            const Arrived arrived = send(tenant, tcp(packet));
            EXPECT_EQ(count(arrived, Kind::tcp), passes(Kind::tcp)) << "segment " << sequence;
            if (flags == syn) there[tenant] = arrived;
        }
    };
    say(true, syn, 1000, 0);
    say(false, syn | ack, 5000, 0);
    say(true, ack, 1001, 0);
    for (std::uint32_t segment = 0; segment < 3; ++segment) {
        say(true, ack, 1001 + 10 * segment, 10);
        say(false, ack, 5001 + 10 * segment, 10);
    }
    say(true, fin | ack, 1031, 0);
    say(false, ack, 5031, 10);
    say(false, fin | ack, 5041, 0);
    say(true, ack, 1032, 0);
    // Another connection's middle.
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        Packet packet = request(tenant);
        packet.source_port = 40002;
        const Arrived arrived = send(tenant, tcp(packet));
        EXPECT_EQ(count(arrived, Kind::tcp), stateless());
    }
}

void Matrix::say_echo() {
    for (int round = 0; round < 3; ++round) {
        Arrived there[tenants];
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            there[tenant] = send(tenant, echo_request(request(tenant)));
            expect_passed(there[tenant], Kind::echo_request);
        }
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            if (count(there[tenant], Kind::echo_request) == 0) there[tenant].clear();  // it was refused
            const Arrived back = send(tenant, echo_reply(answer(tenant, there[tenant])));
            EXPECT_EQ(count(back, Kind::echo_reply), passes(Kind::echo_request));
        }
    }
}

void Matrix::say_fragments() {
    std::array<std::size_t, 3> order = {0, 1, 2};
    std::uint16_t id = 100;
    Arrived there[tenants];
    do {
        for (const bool forward : {true, false}) {
            Arrived arrived[tenants];
            ++id;
            std::vector<Bytes> parts[tenants];
            for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
                Packet packet = forward ? request(tenant) : answer(tenant, there[tenant]);
                packet.id = id;  // both tenants' datagrams are told apart by nothing else
                packet.payload = Bytes(64, static_cast<std::uint8_t>(tenant));
                parts[tenant] = fragments(udp(packet), 24, id);
                ASSERT_EQ(parts[tenant].size(), order.size());
            }
            for (const std::size_t part : order) {
                for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
                    const Arrived more = send(tenant, parts[tenant][part]);
                    arrived[tenant].insert(arrived[tenant].end(), more.begin(), more.end());
                }
            }
            for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
                forward ? expect_passed(arrived[tenant], Kind::udp, 3)
                        : expect_back(arrived[tenant], there[tenant], Kind::udp, 3);
                if (!passes(Kind::udp)) continue;
                for (const Bytes& frame : arrived[tenant]) EXPECT_EQ(frame.back(), tenant);
            }
            if (!forward) continue;
            for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
                // The first fragment has the ports.
                auto& frames = arrived[tenant];
                std::sort(frames.begin(), frames.end(), [](const Bytes& a, const Bytes& b) {
                    return decode(a).fragment_offset < decode(b).fragment_offset;
                });
                there[tenant] = passes(Kind::udp) ? frames : Arrived{};
            }
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

void Matrix::say_errors(bool about_request) {
    struct Type {
        std::uint8_t v4_type, v4_code, v6_type, v6_code;
        bool by_the_end;  // else by a router on the way
    };
    constexpr Type types[] = {{3, 3, 1, 4, true}, {3, 4, 2, 0, false}, {11, 0, 3, 0, false}};
    const auto build = [](Kind kind, const Packet& packet, bool reply) {
        if (kind == Kind::udp) return udp(packet);
        if (kind == Kind::tcp) return tcp(packet);
        return reply ? echo_reply(packet) : echo_request(packet);
    };
    for (const Kind kind : {Kind::udp, Kind::tcp, Kind::echo_request}) {
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            Packet packet = request(tenant);
            packet.tcp_flags = 2;
            Bytes sent = build(kind, packet, false);
            Arrived arrived = send(tenant, sent);
            if (count(arrived, kind) == 0) arrived.clear();
            if (!about_request) {
                packet = answer(tenant, arrived);
                packet.tcp_flags = 0x12;
                sent = build(kind, packet, true);
                arrived = send(tenant, sent);
                if (!passes(kind)) arrived.clear();
            }
            EXPECT_EQ(arrived.size(), passes(kind)) << traffic_;
            // Where nothing arrived, somebody who overheard it complains.
            const Bytes heard = ip_packet(arrived.empty() ? sent : arrived[0]);
            const Decoded packet_heard = decode(arrived.empty() ? sent : arrived[0]);
            for (const Type& type : types) {
                Packet about;
                about.source = to_string(packet_heard.destination, family);
                about.destination = to_string(packet_heard.source, family);
                if (!type.by_the_end && !is_inside(about.source)) about.source = at.middle;
                about = addressed(tenant, about);
                about.icmp_type = family == Family::v4 ? type.v4_type : type.v6_type;
                about.icmp_code = family == Family::v4 ? type.v4_code : type.v6_code;
                about.icmp_rest = 1280;
                const std::size_t header = heard.size() - packet_heard.l4.size();
                for (const std::size_t quoted : {heard.size(), header + 8}) {
                    const Arrived back = send(tenant, icmp_error(about, std::span(heard).first(quoted)));
                    if (arrived.empty()) continue;
                    ASSERT_EQ(back.size(), 1u) << traffic_;
                    const Decoded error = decode(back[0]), before = decode(sent);
                    EXPECT_EQ(error.destination, before.source);
                    EXPECT_EQ(decode_quoted(error).source, before.source);
                    EXPECT_EQ(decode_quoted(error).destination, before.destination);
                }
                // About a packet that nobody sent.
                Bytes invented = heard;
                invented[header + (kind == Kind::echo_request ? 4 : 0)] ^= 0x40;
                EXPECT_EQ(send(tenant, icmp_error(about, invented)).size(), stateless()) << traffic_;
            }
        }
    }
}

TEST_P(Matrix, Udp) {
    with_each_cache("UDP", [this] {
        say_udp();
        if (passes(Kind::udp) && traffic_ != "UDP, " + name_of(CacheTiers::none)) {
            EXPECT_GE(gateway_->counters().cache.flow_hits, 8u)
                << traffic_;  // 2 rounds of 2 tenants, both ways
        }
    });
}
TEST_P(Matrix, TcpFromSynToFin) {
    with_each_cache("TCP", [this] { say_tcp(); });
}
TEST_P(Matrix, Echo) {
    with_each_cache("echo", [this] { say_echo(); });
}
TEST_P(Matrix, FragmentsInEveryOrder) {
    with_each_cache("fragments", [this] { say_fragments(); });
}
TEST_P(Matrix, IcmpErrorsFromOutside) {
    with_each_cache("errors from outside", [this] { say_errors(!from_outside()); });
}
TEST_P(Matrix, IcmpErrorsFromInside) {
    with_each_cache("errors from inside", [this] { say_errors(from_outside()); });
}

std::string name(const testing::TestParamInfo<Matrix::ParamType>& instance) {
    static constexpr const char* nats[] = {"no_nat",       "snat",       "open_snat", "dnat_of_ports",
                                           "dnat_of_host", "one_to_one", "hairpin"};
    static constexpr const char* firewalls[] = {"no_firewall", "allow", "drop", "reject"};
    const auto& [nat, firewall, family] = instance.param;
    return std::string(nats[static_cast<int>(nat)]) + "_" + firewalls[static_cast<int>(firewall)] +
           (family == Family::v4 ? "_IPv4" : "_IPv6");
}

INSTANTIATE_TEST_SUITE_P(, Matrix,
                         testing::Combine(testing::ValuesIn(all_nat), testing::ValuesIn(all_firewalls),
                                          testing::Values(Family::v4, Family::v6)),
                         name);

}  // namespace
}  // namespace sluice::test
