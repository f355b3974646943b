// SPDX-License-Identifier: Apache-2.0
//
// The first look at a frame must let nothing pass that the full parser would judge otherwise: packets of known
// flows with every bit of their headers flipped, one at a time, leave as they do without the cache.
#include "runtime/packet/checksum.h"
#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

constexpr std::size_t header_bytes = 14 + 4 + 20 + 20;
constexpr std::size_t ip_at = 18;  // behind one tag

void repair_ip_checksum(Bytes& frame) {
    frame[ip_at + 10] = frame[ip_at + 11] = 0;
    const std::uint16_t sum = checksum_finish(checksum_sum({&frame[ip_at], 20}));
    frame[ip_at + 10] = static_cast<std::uint8_t>(sum >> 8);
    frame[ip_at + 11] = static_cast<std::uint8_t>(sum);
}

/// Two gateways side by side, which must not differ.
class Glances : public ShardTest {
  protected:
    Glances() : without_(lab(), without_cache()) {}
    void TearDown() override {
        EXPECT_EQ(counters().drops, without_.counters().drops);
        EXPECT_EQ(counters().tenants[blue].rx.packets, without_.counters().tenants[blue].rx.packets);
        EXPECT_EQ(counters().tenants[blue].tx.bytes, without_.counters().tenants[blue].tx.bytes);
        EXPECT_EQ(counters().sessions.created, without_.counters().sessions.created);
        ShardTest::TearDown();
    }
    Sent both(const Bytes& frame, const std::string& what) {
        const Sent one = inside(frame), other = without_.inject("access0", frame);
        EXPECT_EQ(one, other) << what;
        return one;
    }
    void flip_every_bit(const Bytes& good) {
        for (int i = 0; i < 3; ++i) both(good, "the flow itself");
        for (std::size_t bit = 0; bit < std::min(good.size(), header_bytes) * 8; ++bit) {
            for (const bool repaired : {false, true}) {
                Bytes flipped = good;
                flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
                if (repaired) repair_ip_checksum(flipped);
                both(flipped, "byte " + std::to_string(bit / 8) + " bit " + std::to_string(bit % 8));
                if (HasFailure()) return;
            }
        }
        EXPECT_EQ(counters().cache.flow_hits > 0, cached());
    }

  private:
    static ShardSettings without_cache() {
        ShardSettings settings;
        settings.cache = CacheTiers::none;
        return settings;
    }
    TestGateway without_;
};
SLUICE_SHARD_TEST(Glances);

TEST_P(Glances, udp) {
    flip_every_bit(udp(on_web({.destination = "198.18.0.9", .payload = Bytes(31, 1)})));
}

TEST_P(Glances, udp_to_where_nothing_is_translated) {
    flip_every_bit(udp(on_web({.destination = "10.1.2.5", .payload = Bytes(40, 1), .dont_fragment = true})));
}

TEST_P(Glances, tcp) {
    Packet packet = on_web({.destination = "10.1.2.5", .destination_port = 80, .tcp_flags = syn});
    both(tcp(packet), "SYN");
    Packet answer = on_db({.source = "10.1.2.5",
                           .destination = "10.1.1.5",
                           .source_port = 80,
                           .destination_port = packet.source_port,
                           .tcp_flags = syn | ack});
    both(tcp(answer), "SYN, ACK");
    packet.tcp_flags = ack;
    packet.payload = Bytes(12, 1);
    flip_every_bit(tcp(packet));
}

TEST_P(Glances, echo) {
    flip_every_bit(echo_request(on_web({.destination = "198.18.0.9", .payload = Bytes(24, 1)})));
}

TEST_P(Glances, without_a_session) {
    flip_every_bit(udp(on_lan({.source = "10.3.1.5", .destination = "10.3.2.5", .payload = Bytes(31, 1)})));
}

TEST_P(Glances, cut_short_or_padded) {
    const Bytes good = udp(on_web({.destination = "198.18.0.9", .payload = Bytes(31, 1)}));
    for (int i = 0; i < 3; ++i) both(good, "the flow itself");
    for (std::size_t length = 0; length < good.size() + 8; ++length) {
        Bytes frame = good;
        frame.resize(length, 0xee);
        both(frame, std::to_string(length) + " bytes");
    }
}

}  // namespace
}  // namespace sluice::test
