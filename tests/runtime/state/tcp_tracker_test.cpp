// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/tcp_tracker.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint8_t client = 0, server = 1;

IpView segment(std::uint8_t flags, std::uint32_t sequence = 0, std::uint32_t acknowledgement = 0,
               std::uint32_t payload = 0) {
    IpView view;
    view.protocol = protocol_tcp;
    view.l4_kind = L4Kind::tcp;
    view.tcp_flags = flags;
    view.tcp_sequence = sequence;
    view.tcp_acknowledgement = acknowledgement;
    view.header_length = 20;
    view.total_length = 40 + payload;
    return view;
}

/// Both SYNs and the client's ACK: the client acknowledged 5000, the server 1000, window scales 7 and 3.
TcpTracker established() {
    TcpTracker tracker;
    tracker.update(segment(tcp_syn, 999), client, 7);
    tracker.update(segment(tcp_syn | tcp_ack, 4999, 1000), server, 3);
    tracker.update(segment(tcp_ack, 1000, 5000), client, 0);
    return tracker;
}

TEST(TcpTracker, OnlyABareSynOpens) {
    EXPECT_TRUE(TcpTracker::opens(tcp_syn));
    EXPECT_TRUE(TcpTracker::opens(tcp_syn | 0x40 | 0x80)) << "ECN set-up (RFC 3168 6.1.1)";
    EXPECT_FALSE(TcpTracker::opens(tcp_ack));
    EXPECT_FALSE(TcpTracker::opens(tcp_syn | tcp_ack));
    EXPECT_FALSE(TcpTracker::opens(tcp_syn | tcp_fin));
    EXPECT_FALSE(TcpTracker::opens(tcp_syn | tcp_rst));
    EXPECT_FALSE(TcpTracker::opens(0));
}

TEST(TcpTracker, EstablishesWithTheServersSyn) {
    TcpTracker tracker;
    EXPECT_EQ(tracker.state, TcpState::closed);
    tracker.update(segment(tcp_syn, 999), client, 7);
    EXPECT_EQ(tracker.state, TcpState::init);
    tracker.update(segment(tcp_syn, 999), client, 7);
    EXPECT_EQ(tracker.state, TcpState::init) << "a SYN sent again";
    tracker.update(segment(tcp_syn | tcp_ack, 4999, 1000), server, 3);
    EXPECT_EQ(tracker.state, TcpState::established);
    EXPECT_EQ(tracker.window_scale[client], 7);
    EXPECT_EQ(tracker.window_scale[server], 3);
}

TEST(TcpTracker, SimultaneousOpenEstablishes) {
    TcpTracker tracker;
    tracker.update(segment(tcp_syn, 999), client, 1);
    tracker.update(segment(tcp_syn, 4999), server, 2);
    EXPECT_EQ(tracker.state, TcpState::established);
    tracker.update(segment(tcp_syn | tcp_ack, 999, 5000), client, 1);
    tracker.update(segment(tcp_syn | tcp_ack, 4999, 1000), server, 2);
    EXPECT_EQ(tracker.state, TcpState::established);
}

TEST(TcpTracker, AStraySynDoesNotMoveAnEstablishedConnection) {
    TcpTracker tracker = established();
    tracker.update(segment(tcp_syn, 77), client, 14);
    tracker.update(segment(tcp_syn, 77), server, 14);
    EXPECT_EQ(tracker.state, TcpState::established);
    EXPECT_EQ(tracker.window_scale[client], 7);
    EXPECT_EQ(tracker.window_scale[server], 3);
}

TEST(TcpTracker, ClosesWithAFinOfEachSide) {
    TcpTracker tracker = established();
    tracker.update(segment(tcp_fin | tcp_ack, 1000, 5000), client, 0);
    EXPECT_EQ(tracker.state, TcpState::c_fin);
    tracker.update(segment(tcp_fin | tcp_ack, 1000, 5000), client, 0);
    EXPECT_EQ(tracker.state, TcpState::c_fin) << "a FIN sent again";
    tracker.update(segment(tcp_fin | tcp_ack, 5000, 1001), server, 0);
    EXPECT_EQ(tracker.state, TcpState::both_fin);

    tracker = established();
    tracker.update(segment(tcp_fin | tcp_ack, 5000, 1000), server, 0);
    EXPECT_EQ(tracker.state, TcpState::s_fin);
    tracker.update(segment(tcp_fin | tcp_ack, 1000, 5001), client, 0);
    EXPECT_EQ(tracker.state, TcpState::both_fin);
}

TEST(TcpTracker, AResetCountsOnlyNearWhatTheOtherSideAcknowledged) {
    // The client acknowledged 5000 and scales its window by 7: the server may reset within 8 MiB of that.
    const std::uint32_t window = 65536u << 7;
    TcpTracker tracker = established();
    EXPECT_TRUE(tracker.plausible(segment(tcp_rst, 5000), server));
    EXPECT_TRUE(tracker.plausible(segment(tcp_rst, 5000 + window), server));
    EXPECT_TRUE(tracker.plausible(segment(tcp_rst, 5000 - window), server));
    EXPECT_FALSE(tracker.plausible(segment(tcp_rst, 5000 + window + 1), server));
    EXPECT_FALSE(tracker.plausible(segment(tcp_rst, 5000 - window - 1), server));
    tracker.update(segment(tcp_rst, 5000 + window + 1), server, 0);
    EXPECT_EQ(tracker.state, TcpState::established);
    tracker.update(segment(tcp_rst, 5000), server, 0);
    EXPECT_EQ(tracker.state, TcpState::trans);
}

TEST(TcpTracker, ARefusedConnectionIsTransitory) {
    TcpTracker tracker;
    tracker.update(segment(tcp_syn, 999), client, 7);
    tracker.update(segment(tcp_rst | tcp_ack, 0, 1000), server, 0);
    EXPECT_EQ(tracker.state, TcpState::trans);
}

TEST(TcpTracker, DataAfterAResetReturnsToEstablished) {
    TcpTracker tracker = established();
    tracker.update(segment(tcp_rst, 5000), server, 0);
    ASSERT_EQ(tracker.state, TcpState::trans);
    tracker.update(segment(tcp_ack, 1000, 5000), client, 0);
    EXPECT_EQ(tracker.state, TcpState::trans) << "an ACK alone carries no data";
    tracker.update(segment(tcp_ack, 1000, 5000, 12), client, 0, 32);
    EXPECT_EQ(tracker.state, TcpState::trans) << "12 bytes of options carry no data";
    tracker.update(segment(tcp_ack, 1000, 5000, 13), client, 0, 32);
    EXPECT_EQ(tracker.state, TcpState::established);
}

TEST(TcpTracker, TheClientMayConnectAgainFromTheSamePorts) {
    TcpTracker tracker = established();
    tracker.update(segment(tcp_rst, 5000), server, 0);
    tracker.update(segment(tcp_syn, 0x80000000), client, 2);
    EXPECT_EQ(tracker.state, TcpState::init);
    EXPECT_FALSE(tracker.seen_ack[server]);
    EXPECT_EQ(tracker.window_scale[client], 2);
    EXPECT_EQ(tracker.window_scale[server], 0);
}

TEST(TcpTracker, TimeoutFollowsTheState) {
    const SessionTimeouts timeouts;
    TcpTracker tracker;
    const auto timeout_in = [&](TcpState state) {
        tracker.state = state;
        return tracker.timeout(timeouts);
    };
    EXPECT_EQ(timeout_in(TcpState::closed), timeouts.tcp_opening);
    EXPECT_EQ(timeout_in(TcpState::init), timeouts.tcp_opening);
    EXPECT_EQ(timeout_in(TcpState::established), timeouts.tcp_opening) << "nobody has completed it";
    tracker.seen_ack[0] = true;
    EXPECT_EQ(timeout_in(TcpState::established), seconds(7440));
    EXPECT_EQ(timeout_in(TcpState::c_fin), seconds(7440));
    EXPECT_EQ(timeout_in(TcpState::s_fin), seconds(7440));
    EXPECT_EQ(timeout_in(TcpState::both_fin), seconds(240));
    EXPECT_EQ(timeout_in(TcpState::trans), seconds(240));
}

/// A SYN with these options in a buffer of exactly its size.
class SynWithOptions {
  public:
    explicit SynWithOptions(const std::vector<std::uint8_t>& options, std::uint8_t header_words = 0)
        : bytes_(54 + options.size()) {
        std::ranges::copy(options, bytes_.begin() + 54);
        const auto words = header_words != 0 ? header_words : static_cast<std::uint8_t>(5 + options.size() / 4);
        bytes_[34 + 12] = static_cast<std::uint8_t>(words << 4);
        packet_.ip = segment(tcp_syn);
        packet_.ip.total_length = static_cast<std::uint32_t>(bytes_.size() - 14);
        packet_.l2.length = 14;
        packet_.frame.data = bytes_.data();
        packet_.frame.length = static_cast<std::uint32_t>(bytes_.size());
    }
    std::uint8_t shift() const { return window_scale_option(packet_); }
    PacketView& packet() { return packet_; }

  private:
    std::vector<std::uint8_t> bytes_;
    PacketView packet_;
};

TEST(WindowScaleOption, IsFoundBehindOthersAndCapped) {
    EXPECT_EQ(SynWithOptions({2, 4, 5, 0xb4, 1, 3, 3, 7}).shift(), 7);
    EXPECT_EQ(SynWithOptions({1, 3, 3, 15}).shift(), 14);
    EXPECT_EQ(SynWithOptions({}).shift(), 0);
}

TEST(WindowScaleOption, IsZeroWhereCutShortOrBroken) {
    EXPECT_EQ(SynWithOptions({1, 1, 3, 3}).shift(), 0);
    EXPECT_EQ(SynWithOptions({1, 1, 1, 3}).shift(), 0);
    EXPECT_EQ(SynWithOptions({0, 3, 3, 7}).shift(), 0) << "behind the end of options";
    EXPECT_EQ(SynWithOptions({2, 0, 3, 3, 7, 1, 1, 1}).shift(), 0) << "an option of length 0";
    EXPECT_EQ(SynWithOptions({1, 3, 3, 7}, 15).shift(), 7) << "the header claims more than the packet has";
    EXPECT_EQ(SynWithOptions({1, 3, 3, 7}, 5).shift(), 0) << "the header ends before the option";
    SynWithOptions not_syn({1, 3, 3, 7});
    not_syn.packet().ip.tcp_flags = tcp_ack;
    EXPECT_EQ(not_syn.shift(), 0);
}

TEST(TcpTracker, ReadsHeaderLengthAndWindowScaleFromThePacket) {
    SynWithOptions syn({1, 3, 3, 9});
    TcpTracker tracker;
    tracker.update(syn.packet(), client);
    EXPECT_EQ(tracker.window_scale[client], 9);
    tracker.state = TcpState::trans;
    syn.packet().ip.tcp_flags = tcp_ack;
    tracker.update(syn.packet(), client);
    EXPECT_EQ(tracker.state, TcpState::trans) << "options are no data";
}

}  // namespace
}  // namespace sluice
