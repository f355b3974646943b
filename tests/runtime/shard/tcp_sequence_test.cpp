// SPDX-License-Identifier: Apache-2.0
//
// Segments that would end a connection, from somebody who does not know its sequence numbers (RFC 5961, RFC
// 7857 2.2): without effect always, and dropped where the policy says so.
#include "tests/runtime/shard/one_tenant.h"

namespace sluice::test {
namespace {

constexpr std::uint8_t syn = 0x02, ack = 0x10, fin = 0x01, rst = 0x04;
constexpr std::uint32_t client_at = 1000, server_at = 70'000'000, far_off = 900'000'000;

std::unique_ptr<const Image> policy(const std::string& firewall) {
    return one_tenant("firewall: {default: allow" + firewall + "}\n");
}

class TcpSequence : public OneTenant {
  protected:
    void start(const std::string& firewall) {
        run(policy(firewall));
        // A connection that has carried data both ways, past the cache's first packets.
        EXPECT_TRUE(client(syn, client_at, 0));
        EXPECT_TRUE(server(syn | ack, server_at, client_at + 1));
        for (int i = 0; i < 3; ++i) {
            EXPECT_TRUE(client(ack, client_at + 1, server_at + 1));
            EXPECT_TRUE(server(ack, server_at + 1, client_at + 1));
        }
        EXPECT_EQ(state(), TcpState::established);
    }

    bool client(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgement) {
        return gateway_->inject("lan0", segment(false, flags, sequence, acknowledgement)).size() == 1;
    }
    bool server(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgement) {
        return gateway_->inject("uplink0", segment(true, flags, sequence, acknowledgement)).size() == 1;
    }
    static Bytes segment(bool back, std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgement) {
        return tcp({.vlan = 1,
                    .source = back ? "198.18.0.9" : "10.1.1.5",
                    .destination = back ? "10.1.1.5" : "198.18.0.9",
                    .source_port = static_cast<std::uint16_t>(back ? 80 : 5000),
                    .destination_port = static_cast<std::uint16_t>(back ? 5000 : 80),
                    .tcp_flags = flags,
                    .sequence = sequence,
                    .acknowledgement = acknowledgement,
                    .payload = {}});
    }
    TcpState state() {
        TcpState found = TcpState::closed;
        gateway_->shard().sessions().for_each(
            [&](SessionRef, const Session& session) { found = session.tcp.state; });
        return found;
    }
};
INSTANTIATE_TEST_SUITE_P(Cached, TcpSequence, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(TcpSequence, far_off_fins_and_resets_pass_without_effect) {
    start("");
    for (const std::uint8_t flags : {fin, rst}) {
        EXPECT_TRUE(server(flags | ack, server_at + far_off, client_at + 1));
        EXPECT_TRUE(client(flags | ack, client_at + far_off, server_at + 1));
        EXPECT_EQ(state(), TcpState::established);
    }
    EXPECT_EQ(refused(DropReason::FW_INVALID_STATE), 0u);
    EXPECT_TRUE(client(fin | ack, client_at + 1, server_at + 1));
    EXPECT_EQ(state(), TcpState::c_fin);
    EXPECT_TRUE(server(fin | ack, server_at + 1, client_at + 2));
    EXPECT_EQ(state(), TcpState::both_fin);
}

TEST_P(TcpSequence, a_far_off_fin_does_not_keep_a_session_alive) {
    start("");
    gateway_->advance(seconds(7000));
    EXPECT_TRUE(server(fin | ack, server_at + far_off, client_at + 1));
    gateway_->advance(seconds(441));
    EXPECT_EQ(gateway_->shard().sessions().size(), 0u);
}

TEST_P(TcpSequence, a_strict_policy_drops_them) {
    start(", implausible-segments: drop");
    EXPECT_FALSE(server(fin | ack, server_at + far_off, client_at + 1));
    EXPECT_FALSE(server(rst, server_at + far_off, 0));
    EXPECT_FALSE(server(syn | ack, server_at + far_off, client_at + 1));
    EXPECT_FALSE(client(syn, client_at + far_off, 0));
    EXPECT_EQ(refused(DropReason::FW_INVALID_STATE), 4u);
    EXPECT_EQ(state(), TcpState::established);
    EXPECT_TRUE(server(ack, server_at + 1, client_at + 1));
    EXPECT_TRUE(server(rst, server_at + 1, 0));
    EXPECT_EQ(state(), TcpState::trans);
    EXPECT_TRUE(client(syn, client_at + far_off, 0)) << "the ports may be used again";
}

}  // namespace
}  // namespace sluice::test
