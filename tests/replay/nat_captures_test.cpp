// SPDX-License-Identifier: Apache-2.0
//
// What others captured, through NAT and back: each TCP stream and each UDP datagram arrives as it was sent, and
// checksums as right or as wrong. Whoever opened a flow is behind SNAT; then the other side is behind DNAT. All
// cache tiers at once.
//
// Not given to the gateway, and counted by why: what is not for routers (link-local, multicast, TTL 1), TCP
// before a SYN, fragments of no sound datagram, broken headers, source routes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/replay/conversations.h"
#include "tests/support/all_tiers.h"
#include "tests/support/bytes.h"
#include "tests/support/compile.h"
#include "tests/support/readdress.h"

namespace sluice::test {
namespace {

enum class Nat { source, destination };

constexpr Time pace = nanoseconds_per_second / 100;
constexpr const char* router_mac = "02:00:5e:00:01:01";
constexpr const char* inside_mac = "02:00:00:00:01:02";
constexpr const char* outside_mac = "02:00:00:00:09:01";

struct Tally {
    std::size_t streams = 0, stream_bytes = 0, udp_flows = 0, datagrams = 0, in_fragments = 0,
                wrong_checksums = 0;
    Tally& operator+=(const Tally& more) {
        streams += more.streams;
        stream_bytes += more.stream_bytes;
        udp_flows += more.udp_flows;
        datagrams += more.datagrams;
        in_fragments += more.in_fragments;
        wrong_checksums += more.wrong_checksums;
        return *this;
    }
};

/// What the n-th server is called outside.
Ip external_address(Family family, std::size_t index) {
    if (family == Family::v6) return {0x20010db8ffff0003, index + 1};
    return Ip::from_v4(static_cast<std::uint32_t>(0x647e0001 + index));  // 100.126.0.1 and up
}

bool in_pool(Ip ip, Family family) {
    return family == Family::v4 ? ip.v4() >> 2 == 0x647f0304 >> 2 : ip.hi == 0x20010db8ffff0004;
}

class NatRun {
  public:
    NatRun(Nat nat, const Conversations& said) : nat_(nat), said_(said) {}

    /// All flows, as few gateways as it takes: an address is inside or outside, not both.
    Tally run() {
        std::set<std::size_t> left;
        for (std::size_t flow = 0; flow < said_.flows.size(); ++flow) left.insert(flow);
        while (!left.empty() && !testing::Test::HasFailure()) {
            choose(left);
            run_chosen();
            compare_streams();
        }
        return tally_;
    }

  private:
    using Host = std::pair<Family, Ip>;
    using StreamKey = std::pair<std::size_t, bool>;  // flow, from its client
    const End& inside(const Flow& flow) const { return nat_ == Nat::source ? flow.client : flow.server; }
    const End& outside(const Flow& flow) const { return nat_ == Nat::source ? flow.server : flow.client; }

    void choose(std::set<std::size_t>& left) {
        std::map<Host, bool> is_inside;
        chosen_.clear();
        for (const std::size_t number : left) {
            const Flow& flow = said_.flows[number];
            const Host in{flow.family, inside(flow).ip}, out{flow.family, outside(flow).ip};
            if (is_inside.contains(in) && !is_inside[in]) continue;
            if (is_inside.contains(out) && is_inside[out]) continue;
            is_inside[in] = true;
            is_inside[out] = false;
            chosen_.insert(number);
        }
        for (const std::size_t number : chosen_) left.erase(number);
        external_.clear();
        for (const auto& [host, here] : is_inside) {
            if (here) external_.emplace(host, external_address(host.first, external_.size()));
        }
    }

    std::map<std::string, std::string> policy() const {
        std::string routes, nat;
        for (const auto& [host, external] : external_) {
            const auto& [family, ip] = host;
            const bool v4 = family == Family::v4;
            const std::string name = to_string(ip, family);
            routes += "  - {to: \"" + name +
                      (v4 ? "/32\", via: 100.127.1.2}\n" : "/128\", via: \"2001:db8:ffff:1::2\"}\n");
            nat += "  - {dnat: \"" + to_string(external, family) + "\", on: internet, to: \"" + name + "\"}\n";
        }
        if (nat_ == Nat::source) {
            nat = R"(  - {snat: 0.0.0.0/0, out: internet, to: 100.127.3.4-100.127.3.7, ports: 1-65535}
  - {snat: "::/0", out: internet, to: "2001:db8:ffff:4::1-2001:db8:ffff:4::2", ports: 1-65535}
)";
        }
        return {
            {"gateway.yaml", R"(gateway: captures
mac: 02:00:5e:00:01:01
ports: {access0: {mtu: 9216}, uplink0: {mtu: 9216}}
tenants: [t.yaml]
)"},
            {"t.yaml",
             R"(tenant: t
segments:
  lan:
    untagged: {port: access0}
    gateway: [100.127.1.1/24, "2001:db8:ffff:1::1/64"]
    neighbours: {100.127.1.2: "02:00:00:00:01:02", "2001:db8:ffff:1::2": "02:00:00:00:01:02"}
uplinks:
  internet:
    untagged: {port: uplink0}
    address: [100.127.2.1/24, "2001:db8:ffff:2::1/64"]
    neighbours: {100.127.2.2: "02:00:00:00:09:01", "2001:db8:ffff:2::2": "02:00:00:00:09:01"}
routes:
  - {to: 0.0.0.0/0, via: 100.127.2.2}
  - {to: "::/0", via: "2001:db8:ffff:2::2"}
)" + routes + "nat:\n" +
                 nat + "firewall: {default: drop, rules: [{name: all, from: any, to: any, action: allow}]}\n"}};
    }

    void run_chosen() {
        gateways_.reset();
        image_ = compile_texts(policy());
        ShardSettings settings;
        settings.sessions = settings.wide_sessions = settings.flows = 1u << 13;
        gateways_ = std::make_unique<AllTiers>(*image_, settings);
        given_.clear();
        received_.clear();
        translations_.clear();
        owners_.clear();
        std::map<std::size_t, const Datagram*> carried;  // by frame
        for (const Datagram& datagram : said_.datagrams) {
            if (!chosen_.contains(datagram.flow)) continue;
            for (const std::size_t frame : datagram.frames) carried[frame] = &datagram;
        }
        std::set<std::size_t> begun;
        for (const auto& [frame, datagram] : carried) {
            SCOPED_TRACE("frame " + std::to_string(frame + 1) + ", " + describe(datagram->whole));
            if (!said_.flows[datagram->flow].opened && begun.insert(datagram->flow).second)
                open(datagram->flow);
            if (testing::Test::HasFailure()) return;
            const std::vector<SentFrame> sent =
                inject(datagram->flow, datagram->from_client, said_.frames[frame]);
            if (frame == datagram->frames.back()) {
                arrived(*datagram, sent);
            } else {
                EXPECT_TRUE(sent.empty()) << "a fragment did not wait";
            }
            if (testing::Test::HasFailure()) return;  // one is enough to read
        }
        gateways_->compare_counters();
        EXPECT_EQ(gateways_->parting(), "");
        EXPECT_EQ(gateways_->gateway(CacheTiers::trace_cache).frames_in_use(), 0u);
    }

    std::vector<SentFrame> inject(std::size_t flow, bool from_client, Bytes frame) {
        const bool from_inside = from_client == (nat_ == Nat::source);
        if (!from_inside) {
            const End to = external_end(flow);
            frame = with_destination(std::move(frame), to.ip, to.port);
        }
        const Mac to = mac(router_mac), from = mac(from_inside ? inside_mac : outside_mac);
        std::copy(to.bytes.begin(), to.bytes.end(), frame.begin());
        std::copy(from.bytes.begin(), from.bytes.end(), frame.begin() + 6);
        gateways_->advance(pace);
        const SentFrame arrival{port(from_inside ? "access0" : "uplink0"), std::move(frame)};
        return gateways_->inject({&arrival, 1});
    }
    std::uint16_t port(std::string_view name) const {
        return gateways_->gateway(CacheTiers::none).port_of(name);
    }

    /// A connection that was older than its capture begins with a SYN of ours.
    void open(std::size_t number) {
        const Flow& flow = said_.flows[number];
        const std::vector<SentFrame> sent = inject(number, true,
                                                   tcp({.source = to_string(flow.client.ip, flow.family),
                                                        .destination = to_string(flow.server.ip, flow.family),
                                                        .source_port = flow.client.port,
                                                        .destination_port = flow.server.port,
                                                        .tcp_flags = 2}));
        ASSERT_EQ(sent.size(), 1u);
        const Decoded syn = decode(sent[0].bytes);
        if (nat_ == Nat::source) expect_translated(flow, {syn.source, syn.source_port()});
    }

    /// By what the outside knows the flow's inside end.
    End external_end(std::size_t number) const {
        const Flow& flow = said_.flows[number];
        if (nat_ == Nat::source) return translations_.at({flow.family, flow.protocol, inside(flow)});
        return {external_.at({flow.family, inside(flow).ip}), inside(flow).port};
    }

    /// The datagram's frames are in, so it must be out, whole, between the right ends.
    void arrived(const Datagram& datagram, const std::vector<SentFrame>& sent) {
        const Flow& flow = said_.flows[datagram.flow];
        const bool from_inside = datagram.from_client == (nat_ == Nat::source);
        ASSERT_EQ(sent.size(), datagram.parts.size());
        std::vector<Decoded> parts;
        for (const SentFrame& frame : sent) {
            EXPECT_EQ(frame.port, port(from_inside ? "uplink0" : "access0"));
            parts.push_back(decode(frame.bytes));
            EXPECT_EQ(parts.back().fault, "");  // the IPv4 header's checksum among others
            EXPECT_EQ(to_string(parts.back().destination_mac), from_inside ? outside_mac : inside_mac);
            EXPECT_EQ(to_string(parts.back().source_mac), router_mac);
        }
        std::sort(parts.begin(), parts.end(),
                  [](const Decoded& a, const Decoded& b) { return a.fragment_offset < b.fragment_offset; });
        for (std::size_t index = 0; index < parts.size(); ++index)
            compare_headers(datagram.parts[index], parts[index]);
        Decoded whole = joined(parts);
        whole.more_fragments = false;

        const End source{whole.source, whole.source_port()},
            destination{whole.destination, whole.destination_port()};
        if (from_inside && nat_ == Nat::source) expect_translated(flow, source);
        EXPECT_EQ(source, from_inside ? external_end(datagram.flow) : outside(flow));
        EXPECT_EQ(destination, from_inside ? outside(flow) : inside(flow));
        compare_datagrams(datagram.whole, whole);

        ++tally_.datagrams;
        tally_.in_fragments += parts.size() > 1;
        if (flow.protocol == 6) {
            given_[{datagram.flow, datagram.from_client}].add(datagram.whole);
            received_[{datagram.flow, datagram.from_client}].add(whole);
        }
    }

    /// An end inside has one end outside (RFC 4787 REQ-1), which is nobody else's.
    void expect_translated(const Flow& flow, const End& source) {
        EXPECT_TRUE(in_pool(source.ip, flow.family)) << to_string(source.ip, flow.family);
        const auto key = std::tuple(flow.family, flow.protocol, inside(flow));
        EXPECT_EQ(translations_.emplace(key, source).first->second, source);
        EXPECT_EQ(owners_.emplace(std::tuple(flow.family, flow.protocol, source), inside(flow)).first->second,
                  inside(flow));
    }

    static void compare_headers(const Decoded& given, const Decoded& received) {
        EXPECT_EQ(received.ttl + 1, given.ttl);
        EXPECT_EQ(received.tos, given.tos);
        EXPECT_EQ(received.dont_fragment, given.dont_fragment);
        EXPECT_EQ(received.more_fragments, given.more_fragments);
        EXPECT_EQ(received.fragment_offset, given.fragment_offset);
        EXPECT_EQ(received.options, given.options);
        EXPECT_EQ(received.protocol, given.protocol);
    }

    void compare_datagrams(const Decoded& given, const Decoded& received) {
        EXPECT_EQ(received.untouched_l4(), given.untouched_l4());
        const std::size_t checksum = given.checksum_offset();
        const bool none = given.kind() == Kind::udp && given.word(checksum) == 0;
        EXPECT_EQ(received.kind() == Kind::udp && received.word(checksum) == 0, none);
        if (none) return;
        EXPECT_EQ(l4_residue(received), l4_residue(given))
            << "a right checksum stays right, a wrong one as wrong";
        tally_.wrong_checksums += l4_residue(given) != 0;
    }

    void compare_streams() {
        for (const auto& [key, stream] : given_) {
            EXPECT_EQ(received_[key], stream) << "flow " << key.first;
            tally_.streams += stream.bytes() != 0;
            tally_.stream_bytes += stream.bytes();
        }
        for (const std::size_t number : chosen_) tally_.udp_flows += said_.flows[number].protocol == 17;
    }

    Nat nat_;
    const Conversations& said_;
    std::set<std::size_t> chosen_;
    std::map<Host, Ip> external_;  // of hosts inside
    std::unique_ptr<const Image> image_;
    std::unique_ptr<AllTiers> gateways_;
    std::map<std::tuple<Family, std::uint8_t, End>, End> translations_, owners_;
    std::map<StreamKey, Stream> given_, received_;
    Tally tally_;
};

/// Segments of one connection, built by name.
class Connection {
  public:
    Connection(std::string client, std::string server)
        : client_(std::move(client)), server_(std::move(server)) {}
    Bytes up(std::uint8_t flags, std::uint32_t sequence, const std::string& data = "",
             std::uint16_t error = 0) const {
        return segment(client_, server_, 40000, 80, flags, sequence, data, error);
    }
    Bytes down(std::uint8_t flags, std::uint32_t sequence, const std::string& data = "") const {
        return segment(server_, client_, 80, 40000, flags, sequence, data, 0);
    }

  private:
    static Bytes segment(const std::string& from, const std::string& to, std::uint16_t source,
                         std::uint16_t destination, std::uint8_t flags, std::uint32_t sequence,
                         const std::string& data, std::uint16_t error) {
        return tcp({.source = from,
                    .destination = to,
                    .source_port = source,
                    .destination_port = destination,
                    .tcp_flags = flags,
                    .sequence = sequence,
                    .payload = Bytes(data.begin(), data.end()),
                    .l4_checksum_error = error});
    }
    std::string client_, server_;
};

/// Whatever a capture may hold, without any capture at hand.
std::vector<TimedFrame> capture_of_our_own() {
    constexpr std::uint8_t fin = 1, syn = 2, push = 8, ack = 16;
    std::vector<TimedFrame> frames;
    const auto add = [&frames](Bytes frame) { frames.push_back({frames.size() * 1000000, std::move(frame)}); };
    const std::uint32_t near_the_end = 0xfffffff0;  // the sequence numbers wrap
    for (const Connection& one :
         {Connection("10.9.0.1", "198.51.100.7"), Connection("2001:db8:9::1", "2001:db8:7::7")}) {
        add(one.down(ack, 4000, "before the SYN"));  // and behind its end
        add(one.up(syn, near_the_end));
        add(one.down(syn | ack, 5000));
        add(one.up(ack, near_the_end + 1));
        add(one.up(ack, near_the_end + 21, "third......"));  // overtakes the second
        add(one.up(ack, near_the_end + 1, "first....."));
        add(one.up(ack, near_the_end + 11, "second....", 0x0101));  // its checksum is wrong
        add(one.up(ack, near_the_end + 11, "SECOND...."));
        add(one.down(ack | push, 5001, "answer"));
        add(one.up(fin | ack, near_the_end + 32));
        add(one.down(fin | ack, 5007));
        add(one.up(ack, near_the_end + 33));
    }
    Packet query{
        .source = "10.9.0.2", .destination = "198.51.100.7", .source_port = 53, .destination_port = 53};
    query.payload = Bytes(3000, 7);
    Packet answer{
        .source = "198.51.100.7", .destination = "10.9.0.2", .source_port = 53, .destination_port = 53};
    answer.payload = Bytes(4000, 9);
    auto parts = fragments(udp(query), 1000);
    std::reverse(parts.begin(), parts.end());
    for (const Bytes& part : parts) add(part);
    parts = fragments(udp(answer), 1480);
    std::swap(parts[0], parts[1]);
    for (const Bytes& part : parts) add(part);
    for (Packet packet : {query, answer}) {
        packet.payload = Bytes(10, 3);
        packet.no_udp_checksum = true;
        packet.vlan = 7;  // tags are the link's, not the conversation's
        add(udp(packet));
    }
    // The server calls back: inside for one, outside for the other.
    add(udp(
        {.source = "198.51.100.7", .destination = "10.9.0.2", .source_port = 5060, .destination_port = 5060}));
    add(udp(
        {.source = "10.9.0.2", .destination = "224.0.0.251", .source_port = 5353, .destination_port = 5353}));
    return frames;
}

std::string text(const Tally& tally) {
    return std::to_string(tally.streams) + " streams with " + std::to_string(tally.stream_bytes) + " bytes, " +
           std::to_string(tally.udp_flows) + " UDP flows, " + std::to_string(tally.datagrams) + " datagrams (" +
           std::to_string(tally.in_fragments) + " in fragments, " + std::to_string(tally.wrong_checksums) +
           " with a wrong checksum)";
}

/// What is at least compared of a folder.
struct Folder {
    const char* name;
    Tally least;
};
std::string name_of(const Folder& folder) {
    return folder.name;
}

class NatCaptures : public testing::TestWithParam<std::tuple<Folder, Nat>> {};

TEST_P(NatCaptures, EveryStreamArrivesAsItWasSent) {
    const auto& [folder, nat] = GetParam();
    const char* data = std::getenv("SLUICE_DATA");
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    const std::filesystem::path captures =
        (data != nullptr ? std::filesystem::path(data)
                         : std::filesystem::path(source != nullptr ? source : ".") / "../shared/data") /
        "pcap" / folder.name;
    if (!std::filesystem::is_directory(captures))
        GTEST_SKIP() << "no captures in " << captures << "; set SLUICE_DATA";
    Tally total;
    std::set<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(captures)) paths.insert(entry.path());
    for (const auto& path : paths) {
        SCOPED_TRACE(path.filename());
        const Conversations said = read_conversations(path);
        const Tally tally = NatRun(nat, said).run();
        if (HasFailure()) return;
        std::printf("%s: %s\n", path.filename().c_str(), text(tally).c_str());
        for (const auto& [why, frames] : said.left_out)
            std::printf("    left out: %zu %s\n", frames, why.c_str());
        total += tally;
    }
    std::printf("%s: %s\n", folder.name, text(total).c_str());
    EXPECT_GE(total.streams, folder.least.streams);
    EXPECT_GE(total.stream_bytes, folder.least.stream_bytes);
    EXPECT_GE(total.udp_flows, folder.least.udp_flows);
    EXPECT_GE(total.datagrams, folder.least.datagrams);
    EXPECT_GE(total.in_fragments, folder.least.in_fragments);
    EXPECT_GE(total.wrong_checksums, folder.least.wrong_checksums);
}

TEST(NatCapture, OfOurOwn) {
    const TemporaryDirectory folder;
    write_capture(folder / "own.pcap", capture_of_our_own());
    const Conversations said = read_conversations(folder / "own.pcap");
    EXPECT_EQ(said.left_out, (std::map<std::string, std::size_t>{{"not between two hosts", 1}}));
    for (const Nat nat : {Nat::source, Nat::destination}) {
        const Tally tally = NatRun(nat, said).run();
        EXPECT_EQ(text(tally), text({.streams = 4,
                                     .stream_bytes = 2 * (10 + 10 + 11 + 14 + 6),
                                     .udp_flows = 2,
                                     .datagrams = 2 * 12 + 5,
                                     .in_fragments = 2,
                                     .wrong_checksums = 2}));
    }
}

INSTANTIATE_TEST_SUITE_P(, NatCaptures,
                         testing::Combine(testing::Values(Folder{"app", {}}, Folder{"ip", {}},
                                                          Folder{"tcp", {}}),
                                          testing::Values(Nat::source, Nat::destination)),
                         [](const auto& instance) {
                             return name_of(std::get<0>(instance.param)) +
                                    (std::get<1>(instance.param) == Nat::source ? "_behind_snat"
                                                                                : "_behind_dnat");
                         });

}  // namespace
}  // namespace sluice::test
