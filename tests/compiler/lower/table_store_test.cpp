// SPDX-License-Identifier: Apache-2.0
//
// Tables that tenants share: once in the image, whoever reads them, and never another tenant's.
#include "compiler/lower/table_store.h"

#include <gtest/gtest.h>

#include "compiler/lower/build_image.h"
#include "runtime/image/image.h"
#include "schemas/layout/image_types.h"
#include "tests/support/policies.h"

namespace sluice {
namespace {

/// A tenant with `routes` routes and as many rules, each with an address of its own: tables of some size.
policy::Tenant large_tenant(std::uint16_t number, std::uint32_t routes) {
    policy::Tenant tenant;
    tenant.name = "tenant-" + std::to_string(number);
    tenant.file = "tenants/one.yaml";
    tenant.interfaces = {test::segment("lan", 0, {static_cast<std::uint16_t>(number + 1)}, {"10.1.1.1/24"})};
    tenant.firewall.emplace();
    for (std::uint32_t i = 0; i < routes; ++i) {
        const Prefix prefix{Ip::from_v4(0x14000000 + i * 0x200), 24, Family::v4};
        policy::Route& route = tenant.routes.emplace_back();
        route.to = prefix;
        route.next_hops = {{0, Ip::from_v4(0x0a010105 + i % 7)}};
        tenant.sets.push_back({"set" + std::to_string(i), {prefix}});
        policy::Rule& rule = tenant.firewall->rules.emplace_back();
        rule.name = "rule" + std::to_string(i);
        rule.from.any = true;
        rule.to.sets = {i};
        const auto port = static_cast<std::uint16_t>(i + 1);
        rule.services = {{6, 0, port, port}};
        rule.action = i % 2 == 0 ? policy::Action::allow : policy::Action::drop;
    }
    return tenant;
}

policy::Policy many_tenants(std::uint16_t count, std::uint32_t routes) {
    policy::Policy policy = test::two_tenants();
    policy.tenants.clear();
    for (std::uint16_t i = 0; i < count; ++i) policy.tenants.push_back(large_tenant(i, routes));
    return policy;
}

std::unique_ptr<const Image> image_of(const policy::Policy& policy) {
    auto result = Image::from_bytes(build_image(policy));
    if (const auto* error = std::get_if<ImageError>(&result)) ADD_FAILURE() << error->text;
    return std::get_if<0>(&result) == nullptr ? nullptr : std::move(std::get<0>(result));
}

TEST(SharedTables, ATenantMoreWithTheSameTablesTakesLittle) {
    const std::size_t one = build_image(many_tenants(1, 1000)).size();
    const std::size_t two = build_image(many_tenants(2, 1000)).size();
    const std::size_t hundred = build_image(many_tenants(100, 1000)).size();
    EXPECT_GT(one, 50'000u);
    EXPECT_LT(two - one, 2048u);
    EXPECT_LT((hundred - two) / 98, 2048u);
    std::printf("[ image ] one tenant %zu bytes, each of 99 more %zu\n", one, (hundred - one) / 99);
}

TEST(SharedTables, AreTheSameBytesForAllWhoReadThem) {
    const auto image = image_of(many_tenants(3, 50));
    ASSERT_NE(image, nullptr);
    const TenantView& first = image->tenants()[0];
    const TenantView& third = image->tenants()[2];
    EXPECT_EQ(first.routes4.common.records, third.routes4.common.records);
    ASSERT_NE(first.sets4.comb.slots, nullptr);
    EXPECT_EQ(first.sets4.comb.slots, third.sets4.comb.slots);
    ASSERT_NE(first.classifier.comb.slots, nullptr);
    EXPECT_EQ(first.classifier.comb.slots, third.classifier.comb.slots);
    EXPECT_EQ(first.service_cells.data(), third.service_cells.data());
    EXPECT_EQ(first.rules.data(), third.rules.data());
}

// Every second tenant differs in one route, every third in one rule, and so on: each reads what it wrote.
TEST(SharedTables, ATenantReadsItsOwnWhateverTheOthersHave) {
    constexpr std::uint16_t count = 12;
    policy::Policy policy = many_tenants(count, 50);
    for (std::uint16_t i = 0; i < count; ++i) {
        policy::Tenant& tenant = policy.tenants[i];
        if (i % 2 == 1) tenant.routes[7].blackhole = true;
        if (i % 3 == 1) tenant.sets[9].prefixes[0].length = 32;
        if (i % 4 == 1)
            tenant.firewall->rules[11].services[0].low = tenant.firewall->rules[11].services[0].high = 999;
        if (i % 5 == 1) tenant.firewall->rules[13].action = policy::Action::reject;
    }
    const auto image = image_of(policy);
    ASSERT_NE(image, nullptr);
    for (std::uint16_t i = 0; i < count; ++i) {
        const TenantView& tenant = image->tenants()[i];
        const Ip seventh = Ip::from_v4(0x14000000 + 7 * 0x200 + 1);
        const auto kind = tenant.adjacencies[tenant.route(seventh, Family::v4)].kind();
        EXPECT_EQ(kind == image::AdjacencyKind::Blackhole, i % 2 == 1) << i;
        const Ip ninth = Ip::from_v4(0x14000000 + 9 * 0x200 + 1);
        EXPECT_EQ(tenant.address_class(ninth, Family::v4) == 0, i % 3 == 1) << i;
        EXPECT_EQ(tenant.service_classes().lookup(Family::v4, 6, 999) == 0, i % 4 != 1) << i;
        EXPECT_EQ(tenant.rules[13].action() == image::FirewallAction::Reject, i % 5 == 1) << i;
        EXPECT_EQ(tenant.rule_names[13], "rule13");
    }
}

TEST(SharedTables, TheSectionsDigestCoversWhatTheTablesHold) {
    policy::Policy policy = many_tenants(2, 50);
    const auto before = image_of(policy);
    policy.tenants[1].routes[7].blackhole = true;
    const auto after = image_of(policy);
    const auto digest_of_tenant = [](const Image& image, std::size_t tenant) {
        const auto digest = image.tenants()[tenant].section_digest;
        return std::vector<std::uint8_t>(digest.begin(), digest.end());
    };
    EXPECT_EQ(digest_of_tenant(*before, 0), digest_of_tenant(*after, 0))
        << "the tables beside it do not matter";
    EXPECT_NE(digest_of_tenant(*before, 1), digest_of_tenant(*after, 1));
}

TEST(SharedTables, AreInTheOrderOfTheirDigestsWhoeverCameFirst) {
    lower::TableStore store, other;
    for (std::uint8_t i = 0; i < 20; ++i) store.add({i});
    for (std::uint8_t i = 20; i > 0; --i) other.add({static_cast<std::uint8_t>(i - 1)});
    store.add({7});
    EXPECT_EQ(store.tables(), other.tables());
    EXPECT_EQ(store.tables().size(), 20u);
}

}  // namespace
}  // namespace sluice
