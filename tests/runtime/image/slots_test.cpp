// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/slots.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/lower/build_image.h"
#include "runtime/image/image.h"
#include "tests/support/policies.h"

namespace sluice {
namespace {

using Names = std::vector<std::string_view>;

std::vector<std::uint32_t> slots_in(const NameSlots& slots, std::size_t count) {
    std::vector<std::uint32_t> result;
    for (std::uint32_t position = 0; position < count; ++position) result.push_back(slots.slot(position));
    return result;
}
using Numbers = std::vector<std::uint32_t>;

TEST(NameSlots, AreThePositionsAtFirst) {
    const NameSlots slots(Names{"a", "b", "c"});
    EXPECT_EQ(slots_in(slots, 3), (Numbers{0, 1, 2}));
    EXPECT_EQ(slots.position(2), 2u);
    EXPECT_EQ(slots.find("b"), 1u);
    EXPECT_EQ(slots.find("d"), no_slot);
}

TEST(NameSlots, StayWithTheirNames) {
    const NameSlots first(Names{"a", "b", "c"});
    const NameSlots second(first, Names{"c", "new", "a"}, 1, 0);
    EXPECT_EQ(slots_in(second, 3), (Numbers{2, 3, 0}));
    EXPECT_EQ(second.position(1), no_position);
    EXPECT_EQ(second.name(1), "b") << "something may still refer to it";
    EXPECT_EQ(second.since(3), 1u);
    const NameSlots third(second, Names{"b", "a"}, 2, 0);
    EXPECT_EQ(slots_in(third, 2), (Numbers{1, 0})) << "a name that comes back finds its slot";
}

TEST(NameSlots, OfVanishedNamesAreReusedOnlyWhenForgotten) {
    const NameSlots first(Names{"a", "b", "c"});
    const NameSlots second(first, Names{"a"}, 1, 0);
    const NameSlots third(second, Names{"a", "x"}, 2, 0);
    EXPECT_EQ(slots_in(third, 2), (Numbers{0, 3}));
    const NameSlots fourth(third, Names{"a", "x", "y", "c", "z"}, 3, 1);
    EXPECT_EQ(slots_in(fourth, 5), (Numbers{0, 3, 1, 2, 4})) << "c came back in time, b did not";
    EXPECT_EQ(fourth.name(1), "y");
    EXPECT_EQ(fourth.since(1), 3u);
}

TEST(NameSlots, DoNotGrowWithTheNumberOfImages) {
    NameSlots slots(Names{"a", "b"});
    for (std::uint32_t generation = 1; generation <= 1000; ++generation) {
        const std::string name = "rule " + std::to_string(generation);
        slots = NameSlots(slots, Names{"a", name}, generation, generation - 1);
        EXPECT_LE(slots.size(), 3u);
    }
}

policy::Policy policy_with_two_snat_rules() {
    policy::Policy policy = test::two_tenants();
    policy::Tenant& blue = policy.tenants[0];
    blue.snat.push_back(blue.snat[0]);
    blue.snat[1].sources = {test::prefix_of("10.2.0.0/16")};
    blue.snat[1].pool = {test::ip_of("203.0.113.13")};
    return policy;
}

std::unique_ptr<const Image> image_of(const policy::Policy& policy) {
    auto result = Image::from_bytes(build_image(policy));
    if (const auto* error = std::get_if<ImageError>(&result)) {
        ADD_FAILURE() << error->text;
        return nullptr;
    }
    return std::move(std::get<0>(result));
}

TEST(Follow, TheSameImageChangesNothing) {
    const auto first = image_of(test::two_tenants());
    const auto second = first->follow(*first);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->generation(), 1u);
    for (const TenantView& tenant : second->tenants()) {
        EXPECT_EQ(tenant.section_changed, 0u);
        EXPECT_EQ(tenant.closure_changed, 0u);
        EXPECT_EQ(tenant.interface_slot(1), 1u);
        EXPECT_EQ(tenant.rule_slots(), tenant.rules.size());
    }
    EXPECT_EQ(second->find_binding(0, 100, 7)->interface(), 1u);
}

TEST(Follow, ThingsKeepTheirSlotsWhereverTheyMove) {
    const policy::Policy before = policy_with_two_snat_rules();
    policy::Policy after = before;
    policy::Tenant green;
    green.name = "green";
    green.file = "tenants/green.yaml";
    green.interfaces = {test::segment("lan", 0, {300}, {"10.1.1.1/24"})};
    auto& blue = after.tenants[0];
    auto& red = after.tenants[1];
    red.interfaces.insert(red.interfaces.begin(), test::segment("db", 0, {211}, {"10.1.2.1/24"}));
    red.routes[0].next_hops[0].interface = 2;
    blue.interfaces[3].peer_interface = 3;
    blue.interfaces[3].peer_tenant = red.interfaces[3].peer_tenant = 1;
    blue.interfaces[3].peer_tenant = 2;
    std::swap(blue.firewall->rules[0], blue.firewall->rules[1]);
    std::swap(blue.snat[0], blue.snat[1]);
    after.tenants.insert(after.tenants.begin(), green);
    std::swap(after.ports[0], after.ports[1]);
    for (policy::Tenant& tenant : after.tenants) {
        for (policy::Interface& interface : tenant.interfaces) {
            if (interface.kind != policy::InterfaceKind::peer) interface.port ^= 1;
        }
    }
    const auto first = image_of(before);
    const auto loaded = image_of(after);
    ASSERT_NE(loaded, nullptr);
    const auto second = loaded->follow(*first);
    ASSERT_NE(second, nullptr);

    EXPECT_EQ(second->tenants()[0].name, "blue");
    EXPECT_EQ(second->tenants()[1].name, "red");
    EXPECT_EQ(second->tenants()[2].name, "green");
    EXPECT_EQ(second->port_names()[0], "access0");
    EXPECT_EQ(second->port_slot(0), 1u);
    const TenantView& r = second->tenants()[1];
    EXPECT_EQ(r.interface_names[0], "db");
    EXPECT_EQ(r.interface_slot(0), 3u);
    EXPECT_EQ(r.interface_slot(1), 0u);
    EXPECT_EQ(r.interface_position(2), 3u);
    EXPECT_EQ(r.name_of_interface(0), "web");
    const TenantView& b = second->tenants()[0];
    EXPECT_EQ(b.rule_slot(0), 1u);
    EXPECT_EQ(b.rule_slot(1), 0u);
    EXPECT_EQ(b.snat_slot(0), 1u);
    EXPECT_EQ(b.peers[3].tenant, 1u) << "red's slot";
    EXPECT_EQ(b.peers[3].interface, 3u) << "and the position there";
    const auto* binding = second->find_binding(0, 100, 7);
    ASSERT_NE(binding, nullptr);
    EXPECT_EQ(binding->tenant(), 0u);
    EXPECT_EQ(binding->interface(), 1u);
    EXPECT_EQ(second->find_binding(0, 211, 0xffff)->interface(), 3u);
    for (const TenantView& tenant : second->tenants()) EXPECT_EQ(tenant.section_changed, 1u);

    const auto third = first->follow(*second);
    EXPECT_FALSE(third->tenants()[2].exists());
    EXPECT_EQ(third->tenants()[2].name, "green");
    EXPECT_EQ(third->tenants()[1].interface_position(3), no_interface);
    EXPECT_EQ(third->find_binding(0, 100, 7)->interface(), 1u);
}

TEST(Follow, OnlyWhoseSectionOrPeersChangedAreChanged) {
    const policy::Policy before = test::two_tenants();
    policy::Policy after = before;
    after.tenants[1].routes[0].blackhole = true;
    const auto first = image_of(before);
    const auto changed = image_of(after);
    const auto second = changed->follow(*first);
    EXPECT_EQ(second->tenants()[0].section_changed, 0u);
    EXPECT_EQ(second->tenants()[0].closure_changed, 1u) << "its packets can reach red";
    EXPECT_EQ(second->tenants()[1].section_changed, 1u);
    const auto third = changed->follow(*second);
    EXPECT_EQ(third->generation(), 2u);
    EXPECT_EQ(third->tenants()[1].section_changed, 1u);
    EXPECT_EQ(third->tenants()[0].closure_changed, 1u);
}

TEST(Follow, ASnatRuleStaysTheSameWithOtherSourcesOrAnotherPool) {
    const policy::Policy before = policy_with_two_snat_rules();
    const auto slots = [&](const policy::Policy& after) {
        const auto first = image_of(before);
        const auto next = image_of(after)->follow(*first);
        Numbers result;
        for (std::uint32_t i = 0; i < after.tenants[0].snat.size(); ++i) {
            result.push_back(next->tenants()[0].snat_slot(i));
        }
        return result;
    };
    ASSERT_EQ(before.tenants[0].snat.size(), 2u);
    EXPECT_EQ(slots(before), (Numbers{0, 1}));
    policy::Policy after = before;
    after.tenants[0].snat[0].pool.push_back(test::ip_of("203.0.113.77"));
    EXPECT_EQ(slots(after), (Numbers{0, 1}));
    after = before;
    after.tenants[0].snat[1].sources.push_back(test::prefix_of("10.77.0.0/16"));
    EXPECT_EQ(slots(after), (Numbers{0, 1}));
    after = before;
    after.tenants[0].snat.insert(after.tenants[0].snat.begin(), after.tenants[0].snat[0]);
    after.tenants[0].snat[0].sources = {test::prefix_of("10.77.0.0/16")};
    after.tenants[0].snat[0].pool = {test::ip_of("203.0.113.78")};
    EXPECT_EQ(slots(after), (Numbers{2, 0, 1})) << "a new rule above the others";
}

}  // namespace
}  // namespace sluice
