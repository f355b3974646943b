// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "compiler/lower/build_image.h"
#include "schemas/image_generated.h"
#include "schemas/layout/image_header.h"
#include "tests/support/policies.h"

namespace sluice {
namespace {

policy::Policy many_tenants() {
    policy::Policy policy = test::two_tenants();
    const policy::Tenant red = policy.tenants[1];
    for (std::uint16_t i = 0; i < 40; ++i) {
        policy::Tenant tenant = red;
        tenant.name = "tenant-" + std::to_string(i);
        tenant.interfaces.pop_back();
        tenant.interfaces[0].vids = {static_cast<std::uint16_t>(1000 + i)};
        tenant.interfaces[1].vids = {static_cast<std::uint16_t>(2000 + i)};
        policy.tenants.push_back(tenant);
    }
    return policy;
}

std::vector<std::uint8_t> section_of(const std::vector<std::uint8_t>& file, unsigned tenant) {
    const image::Image& root = *image::GetImage(file.data() + sizeof(ImageHeader));
    const auto& section = *root.tenants()->Get(tenant)->section();
    return {section.begin(), section.end()};
}

TEST(BuildImage, TheSamePolicyGivesTheSameBytes) {
    EXPECT_EQ(build_image(test::two_tenants()), build_image(test::two_tenants()));
}

TEST(BuildImage, TheNumberOfThreadsDoesNotShow) {
    const policy::Policy policy = many_tenants();
    const auto alone = build_image(policy, 1);
    EXPECT_EQ(build_image(policy, 2), alone);
    EXPECT_EQ(build_image(policy, 8), alone);
    EXPECT_EQ(build_image(policy), alone);
}

TEST(BuildImage, AnUnchangedTenantKeepsItsBytes) {
    policy::Policy policy = test::two_tenants();
    const auto before = build_image(policy);
    policy.tenants[1].routes.clear();
    const auto after = build_image(policy);
    ASSERT_NE(before, after);
    EXPECT_EQ(section_of(before, 0), section_of(after, 0));
    EXPECT_NE(section_of(before, 1), section_of(after, 1));
}

}  // namespace
}  // namespace sluice
