// SPDX-License-Identifier: Apache-2.0
#include "schemas/layout/closure.h"

#include <gtest/gtest.h>

#include <map>

#include "compiler/lower/build_image.h"
#include "runtime/image/image.h"
#include "tests/support/policies.h"

namespace sluice {
namespace {

/// Blue and red, which are linked, and two more that nobody is linked with.
policy::Policy four_tenants() {
    policy::Policy policy = test::two_tenants();
    for (const std::uint16_t vlan : {311, 312}) {
        policy::Tenant tenant;
        tenant.name = "alone" + std::to_string(vlan);
        tenant.file = "tenants/alone.yaml";
        tenant.interfaces = {test::segment("lan", 0, {vlan}, {"10.1.1.1/24"})};
        policy.tenants.push_back(tenant);
    }
    return policy;
}

std::map<std::string, std::string> closures(const policy::Policy& policy) {
    const std::vector<std::uint8_t> file = build_image(policy);
    const auto result = Image::from_bytes(file);
    if (const auto* error = std::get_if<ImageError>(&result)) {
        ADD_FAILURE() << error->text;
        return {};
    }
    std::map<std::string, std::string> found;
    for (const image::TenantSection* row : *std::get<0>(result)->root().tenants()) {
        const auto* name = flatbuffers::GetRoot<image::Tenant>(row->section()->data())->name();
        found[name->str()] = std::string(row->closure()->begin(), row->closure()->end());
    }
    return found;
}

/// Whose closures differ from those of four_tenants().
std::vector<std::string> changed(const policy::Policy& policy) {
    const auto before = closures(four_tenants());
    std::vector<std::string> names;
    for (const auto& [name, closure] : closures(policy)) {
        if (before.at(name) != closure) names.push_back(name);
    }
    return names;
}

using Names = std::vector<std::string>;

TEST(Closure, IsTheSameForTheSamePolicyAndNotForOthers) {
    EXPECT_EQ(closures(four_tenants()), closures(four_tenants()));
    const auto of = closures(four_tenants());
    EXPECT_NE(of.at("alone311"), of.at("alone312"));
    EXPECT_EQ(of.at("red"), of.at("blue")) << "whoever is linked reads the same";
}

TEST(Closure, ATenantChangesItsOwnAndItsPeers) {
    policy::Policy policy = four_tenants();
    policy.tenants[2].interfaces[0].mtu = 1400;
    EXPECT_EQ(changed(policy), Names{"alone311"});
    policy = four_tenants();
    policy.tenants[1].routes[0].blackhole = true;
    EXPECT_EQ(changed(policy), (Names{"blue", "red"}));
}

TEST(Closure, TheGatewayChangesAll) {
    const Names all{"alone311", "alone312", "blue", "red"};
    policy::Policy policy = four_tenants();
    policy.ports[1].mtu = 9000;
    EXPECT_EQ(changed(policy), all);
    policy = four_tenants();
    policy.ttl = policy::TtlMode::per_stage;
    EXPECT_EQ(changed(policy), all);
}

TEST(Closure, TenantsThatComeGoOrMoveChangeNoneButTheirPeers) {
    policy::Policy policy = four_tenants();
    policy.tenants.pop_back();
    EXPECT_EQ(changed(policy), Names{});
    policy = four_tenants();
    std::swap(policy.tenants[2], policy.tenants[3]);
    EXPECT_EQ(changed(policy), Names{});
    // The sections of blue and red then name each other by other numbers.
    policy = four_tenants();
    policy.tenants[1].interfaces[2].peer_tenant = 1;
    policy.tenants[0].interfaces[3].peer_tenant = 2;
    std::rotate(policy.tenants.begin(), policy.tenants.begin() + 3, policy.tenants.end());
    EXPECT_EQ(changed(policy), (Names{"blue", "red"}));
}

TEST(Closure, FollowsAllLinksWhateverTheirNumber) {
    policy::Policy policy = four_tenants();  // red - alone311 - alone312
    const auto link = [&](std::uint16_t a, std::uint16_t b) {
        auto& near = policy.tenants[a].interfaces;
        auto& far = policy.tenants[b].interfaces;
        near.push_back(test::peer("to-" + policy.tenants[b].name, b, static_cast<std::uint16_t>(far.size())));
        far.push_back(
            test::peer("to-" + policy.tenants[a].name, a, static_cast<std::uint16_t>(near.size() - 1)));
    };
    link(1, 2);
    link(2, 3);
    const auto before = closures(policy);
    policy.tenants[3].interfaces[0].mtu = 1400;
    EXPECT_NE(closures(policy).at("blue"), before.at("blue"));
}

TEST(Closure, AnImageThatSaysOtherwiseIsRefused) {
    std::vector<std::uint8_t> file = build_image(four_tenants());
    const auto payload = std::span(file).subspan(sizeof(ImageHeader));
    const auto* row = image::GetImage(payload.data())->tenants()->Get(2)->closure();
    payload[static_cast<std::size_t>(row->data() - payload.data()) + 31] ^= 1;
    seal_image(file);
    const auto result = Image::from_bytes(file);
    ASSERT_TRUE(std::holds_alternative<ImageError>(result));
    EXPECT_EQ(std::get<ImageError>(result).text,
              "tenant 2 does not have the closure digest that follows from the sections");
}

}  // namespace
}  // namespace sluice
