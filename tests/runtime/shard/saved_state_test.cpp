// SPDX-License-Identifier: Apache-2.0
//
// What a gateway leaves for the next one, wrong in every way there is: it is refused with a sentence, or what
// makes no sense in it is left out. tests/property/restart_test.cpp has the state that is right.
#include "runtime/shard/saved_state.h"

#include <gmock/gmock.h>

#include <cstddef>
#include <cstring>
#include <random>

#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

constexpr BootId boot{1, 2, 3};
constexpr Time most_idle = seconds(7440);

using StateBytes = std::vector<std::uint8_t>;

class SavedStateTest : public ShardTest {
  protected:
    SavedStateTest() {
        for (std::uint16_t port = 4000; port < 4020; ++port) {
            inside(udp(on_web({.destination = "198.18.0.9", .source_port = port, .destination_port = 7})));
            inside(udp(on_web({.destination = "172.20.0.5", .source_port = port, .destination_port = 7})));
            inside(tcp(on_web(
                {.destination = "198.18.0.9", .source_port = port, .destination_port = 80, .tcp_flags = syn})));
        }
        gateway->advance(seconds(1));
    }
    std::string refusal(StateBytes bytes, const BootId& of = boot, Time later = 0) {
        const auto opened = SavedState::open(std::move(bytes), of, gateway->now() + later, most_idle);
        const auto* problem = std::get_if<std::string>(&opened);
        return problem == nullptr ? "" : *problem;
    }
    /// `change` changes the payload, which is sealed again.
    template <typename Change>
    StateBytes changed(const Change& change) {
        StateBytes bytes = gateway->save();
        const std::span<std::uint8_t> payload = std::span(bytes).subspan(sizeof(SavedHeader));
        change(payload);
        return seal_state(payload, boot);
    }
    template <typename Field>
    StateBytes with_header(std::size_t offset, Field value) {
        StateBytes bytes = gateway->save();
        std::memcpy(bytes.data() + offset, &value, sizeof value);
        return bytes;
    }
    std::unique_ptr<TestGateway> resumed(const StateBytes& bytes) {
        return TestGateway::resume(bytes, lab(), settings, gateway->now());
    }
};
SLUICE_SHARD_TEST(SavedStateTest);

saved::Gateway& table(std::span<std::uint8_t> payload) {
    return *saved::GetMutableGateway(payload.data());
}
/// Of a vector that is not made for being changed.
saved::Session& session(std::span<std::uint8_t> payload, flatbuffers::uoffset_t number) {
    return const_cast<saved::Session&>(*table(payload).sessions()->Get(number));
}

TEST_P(SavedStateTest, what_is_not_whole_is_refused) {
    const StateBytes good = gateway->save();
    EXPECT_EQ(refusal(good), "");
    EXPECT_THAT(refusal({}), testing::HasSubstr("it has 0 bytes, fewer than a header's 128"));
    for (const std::size_t length : {std::size_t{127}, std::size_t{128}, good.size() / 2, good.size() - 1}) {
        EXPECT_NE(refusal(StateBytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))), "");
    }
    EXPECT_THAT(refusal(StateBytes(good.begin(), good.end() - 1)), testing::HasSubstr("it is torn"));
    EXPECT_THAT(refusal(with_header(0, 'x')), testing::HasSubstr("does not begin as a gateway's state does"));
    EXPECT_THAT(refusal(with_header(offsetof(SavedHeader, version), std::uint32_t{saved_version + 1})),
                testing::HasSubstr("expected version 1, found 2"));
    std::mt19937 random(1);
    for (int i = 0; i < 200; ++i) {
        StateBytes bytes = good;
        bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
        EXPECT_NE(refusal(bytes), "");
    }
}

TEST_P(SavedStateTest, what_is_of_another_time_is_refused) {
    const StateBytes good = gateway->save();
    EXPECT_THAT(refusal(good, BootId{9}), testing::HasSubstr("before the machine was started"));
    EXPECT_EQ(refusal(good, boot, most_idle), "");
    EXPECT_THAT(refusal(good, boot, most_idle + seconds(1)),
                testing::HasSubstr("it is 7441 s old, and no session may be idle for more than 7440 s"));
    gateway->advance(seconds(5));
    const StateBytes later = gateway->save();
    const auto opened = SavedState::open(later, boot, seconds(1), most_idle);
    EXPECT_THAT(std::get<std::string>(opened), testing::HasSubstr("from the future"));
}

TEST_P(SavedStateTest, another_images_numbering_is_refused) {
    Numbering numbering = lab().numbering();
    EXPECT_NE(lab().renumbered(numbering), nullptr);
    numbering.tenants[0].interfaces.pop_back();
    EXPECT_EQ(lab().renumbered(numbering), nullptr);
    numbering = lab().numbering();
    numbering.tenants.pop_back();
    EXPECT_EQ(lab().renumbered(numbering), nullptr);
    numbering = lab().numbering();
    numbering.ports.emplace_back("more");
    EXPECT_EQ(lab().renumbered(numbering), nullptr);
    numbering = lab().numbering();
    ASSERT_FALSE(numbering.tenants[0].snat_slots.empty());
    numbering.tenants[0].snat_slots[0] = 77;
    EXPECT_EQ(lab().renumbered(numbering), nullptr);
    numbering = lab().numbering();
    std::swap(numbering.tenants[0], numbering.tenants[2]);
    const auto image = lab().renumbered(numbering);
    ASSERT_NE(image, nullptr);
    EXPECT_EQ(image->tenants()[0].name, "plain");
    EXPECT_EQ(image->tenants()[2].name, "blue");
}

TEST_P(SavedStateTest, sessions_that_make_no_sense_are_left_out_and_counted) {
    const std::uint64_t before = counters().sessions.active;
    const auto one_bad = [&](auto&& spoil) {
        const auto next =
            resumed(changed([&](std::span<std::uint8_t> payload) { spoil(session(payload, 3)); }));
        EXPECT_EQ(next->resumed().lost_sessions, 1u);
        EXPECT_EQ(next->resumed().sessions, before - 1);
        EXPECT_EQ(next->counters().sessions.ended, 1u);
        const Counters& now = next->counters();
        EXPECT_EQ(now.sessions.created, now.sessions.active + now.sessions.expired + now.sessions.ended);
    };
    one_bad([](saved::Session& row) { row.mutate_tenant(900); });
    one_bad([](saved::Session& row) { row.mutate_in_interface(900); });
    one_bad([](saved::Session& row) { row.mutate_rule(900); });
    one_bad([](saved::Session& row) { row.mutate_family(5); });
    one_bad([](saved::Session& row) { row.mutate_tcp_state(7); });
    one_bad([](saved::Session& row) { row.mutate_window_scale_reverse(15); });
    one_bad([](saved::Session& row) { row.mutate_mapping(900); });
    one_bad([](saved::Session& row) { row.mutate_joined_mapping(900); });
    one_bad([](saved::Session& row) {
        const saved::Side reverse = row.reverse();
        row.mutable_forward() = reverse;
    });
    const auto whole = resumed(gateway->save());
    EXPECT_EQ(whole->resumed().lost_sessions, 0u);
    EXPECT_EQ(whole->counters().tenants[blue].rules.back().packets,
              counters().tenants[blue].rules.back().packets);
    EXPECT_GT(counters().tenants[blue].rules.back().packets, 0u);
}

TEST_P(SavedStateTest, a_smaller_gateway_takes_what_fits) {
    const std::uint64_t before = counters().sessions.active;
    const StateBytes bytes = gateway->save();
    settings.sessions = 10;
    const auto next = resumed(bytes);
    EXPECT_LE(next->counters().sessions.active, 10u);
    EXPECT_EQ(next->resumed().sessions + next->resumed().lost_sessions, before);
}

// Sealed by somebody who knows how, with anything in it: nothing crashes (the sanitizers watch), and the
// gateway serves packets.
TEST_P(SavedStateTest, hostile_bytes_do_no_harm) {
    std::mt19937 random(7);
    int taken = 0;
    for (int round = 0; round < 60; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        const StateBytes bytes = changed([&](std::span<std::uint8_t> payload) {
            // Mostly where the sessions are: a changed offset is found out at once.
            const auto& rows = *table(payload).sessions();
            const auto first = static_cast<std::size_t>(rows.Data() - payload.data());
            const std::size_t length = rows.size() * sizeof(saved::Session);
            for (std::uint32_t changes = 1 + random() % 64; changes > 0; --changes) {
                const std::size_t at =
                    random() % 16 == 0 ? random() % payload.size() : first + random() % length;
                payload[at] = static_cast<std::uint8_t>(random() % 3 == 0 ? 0xff : random());
            }
        });
        if (!refusal(bytes).empty()) continue;
        std::unique_ptr<TestGateway> next;
        try {
            next = resumed(bytes);
        } catch (const std::runtime_error&) {
            continue;
        }
        ++taken;
        next->inject("access0",
                     udp(on_web({.destination = "198.18.0.9", .source_port = 4001, .destination_port = 7})));
        next->inject("access0",
                     udp(on_web({.destination = "172.20.0.5", .source_port = 4002, .destination_port = 7})));
        next->inject("access0",
                     udp(on_web({.destination = "198.18.0.9", .source_port = 5001, .destination_port = 7})));
        next->inject("uplink0", udp(on_net({.source = "198.18.0.9",
                                            .destination = "203.0.113.10",
                                            .source_port = 7,
                                            .destination_port = 4001})));
        next->activate(lab());
        next->inject("access0",
                     udp(on_web({.destination = "198.18.0.9", .source_port = 4003, .destination_port = 7})));
        next->save();
        next->advance(seconds(20));
        next->advance(seconds(8000));
        EXPECT_EQ(next->counters().sessions.active, 0u);
    }
    EXPECT_GT(taken, 15);
}

}  // namespace
}  // namespace sluice::test
