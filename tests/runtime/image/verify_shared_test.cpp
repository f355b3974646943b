// SPDX-License-Identifier: Apache-2.0
//
// References to shared tables that lead astray: a table that is right for one tenant can be wrong for another.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "runtime/image/shared_tables.h"
#include "schemas/layout/image_header.h"
#include "schemas/layout/image_seal.h"
#include "tests/runtime/image/refusal.h"
#include "tests/support/reseal.h"

namespace sluice {
namespace {

using Bytes = std::vector<std::uint8_t>;

const image::Image& root_of(const Bytes& file) {
    return *image::GetImage(file.data() + sizeof(ImageHeader));
}
const image::Tenant& tenant_of(const Bytes& file, unsigned tenant) {
    return *flatbuffers::GetRoot<image::Tenant>(root_of(file).tenants()->Get(tenant)->section()->data());
}
void overwrite(Bytes& file, const void* place, const void* bytes, std::size_t count) {
    std::memcpy(file.data() + (static_cast<const std::uint8_t*>(place) - file.data()), bytes, count);
}

/// An image of two_tenants() in which the reference `from` says what `to` says.
std::string refusal_of_reference(const image::TableDigest* (*from)(const Bytes&),
                                 const image::TableDigest* (*to)(const Bytes&)) {
    Bytes file = build_image(test::two_tenants());
    const image::TableDigest digest = *to(file);
    overwrite(file, from(file), &digest, sizeof digest);
    test::reseal(file);
    return test::refusal_of(file);
}

constexpr auto blue_routes4 = [](const Bytes& file) { return tenant_of(file, 0).routes4(); };
constexpr auto blue_routes6 = [](const Bytes& file) { return tenant_of(file, 0).routes6(); };
constexpr auto blue_services = [](const Bytes& file) { return tenant_of(file, 0).services(); };
constexpr auto blue_sets6 = [](const Bytes& file) { return tenant_of(file, 0).sets6(); };
constexpr auto blue_sets4_walk = [](const Bytes& file) { return tenant_of(file, 0).sets4_walk(); };
constexpr auto blue_classifier_walk = [](const Bytes& file) { return tenant_of(file, 0).classifier_walk(); };
constexpr auto red_routes4 = [](const Bytes& file) { return tenant_of(file, 1).routes4(); };

TEST(SharedReferences, ATableWithValuesThatOnlyAnotherTenantHasIsRefused) {
    EXPECT_EQ(refusal_of_reference(red_routes4, blue_routes4).substr(0, 47),
              R"(tenant "red": routes4: the record at word 30 ha)");
}

TEST(SharedReferences, ATableOfTheOtherFamilyIsRefusedAfterItWasRightForItsOwn) {
    EXPECT_EQ(refusal_of_reference(blue_routes6, blue_routes4),
              R"(tenant "blue": routes6 leads to adjacency 1 of the other family)");
    EXPECT_EQ(refusal_of_reference(blue_sets6, blue_routes6).substr(0, 40),
              R"(tenant "blue": sets6: the record at word)");
}

TEST(SharedReferences, AWalkOfMoreFieldsIsRefused) {
    EXPECT_EQ(refusal_of_reference(blue_sets4_walk, blue_classifier_walk).substr(0, 50),
              R"(tenant "blue": sets4_walk: step 0 reads field 3 fr)");
}

TEST(SharedReferences, ATableOfAnotherKindIsRefused) {
    EXPECT_EQ(refusal_of_reference(blue_services, blue_routes4),
              R"(tenant "blue": services refers to a table of another kind)");
    EXPECT_EQ(refusal_of_reference(blue_routes4, blue_services),
              R"(tenant "blue": routes4 refers to a table of another kind)");
}

TEST(SharedReferences, ATableThatIsNotThereIsRefused) {
    const policy::Policy policy = test::two_tenants();
    lower::TableStore store;
    std::vector<Bytes> sections;
    for (const policy::Tenant& tenant : policy.tenants)
        sections.push_back(lower::emit_tenant(tenant, lower::lower_tenant(tenant), store));
    EXPECT_EQ(test::refusal_of(lower::emit_image(policy, sections, store)), "accepted");
    EXPECT_EQ(test::refusal_of(lower::emit_image(policy, sections, {})),
              R"(tenant "blue": routes4 refers to a table that the image does not have)");
    policy::Policy nobody = policy;
    nobody.tenants.clear();
    EXPECT_EQ(test::refusal_of(lower::emit_image(nobody, {}, store)), "no tenant uses table 0");
}

TEST(SharedReferences, TablesOutOfOrderAreRefused) {
    Bytes file = build_image(test::two_tenants());
    const auto* tables = root_of(file).tables();
    ASSERT_GT(tables->size(), 3u);
    const std::uint8_t* place = tables->Data() + sizeof(flatbuffers::uoffset_t);  // of the second and the third
    const auto second = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(place) - 4;
    const auto third = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(place + 4) + 4;
    overwrite(file, place, &third, sizeof third);
    overwrite(file, place + 4, &second, sizeof second);
    seal_image(file);
    EXPECT_EQ(test::refusal_of(file), "table 2 does not come in the order of the digests");
}

TEST(SharedReferences, ATableTwiceIsRefused) {
    Bytes file = build_image(test::two_tenants());
    const std::uint8_t* place = root_of(file).tables()->Data();
    const auto second = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(place + 4) + 4;
    overwrite(file, place, &second, sizeof second);
    seal_image(file);
    EXPECT_EQ(test::refusal_of(file), "table 1 does not come in the order of the digests");
}

TEST(SharedReferences, ATableThatChangedIsNotItsDigests) {
    Bytes file = build_image(test::two_tenants());
    const auto* bytes = root_of(file).tables()->Get(1)->bytes();
    file[static_cast<std::size_t>(bytes->data() - file.data()) + bytes->size() - 1] ^= 1;
    seal_image(file);
    EXPECT_EQ(test::refusal_of(file), "table 1 does not have the digest that the image gives for it");
}

// A rule has a counter in each shard for each tenant: sharing must not let a small image ask for memory without
// end.
TEST(SharedReferences, MoreRulesInAllThanAGatewayCountsAreRefused) {
    const policy::Policy policy = test::two_tenants();
    policy::Tenant tenant;
    tenant.name = "solo";
    tenant.firewall.emplace();
    for (int i = 0; i < 30'000; ++i) {
        policy::Rule& rule = tenant.firewall->rules.emplace_back();
        rule.name = std::to_string(i);
        rule.from.any = rule.to.any = true;
    }
    lower::TableStore store;
    const Bytes section = lower::emit_tenant(tenant, lower::lower_tenant(tenant), store);
    const std::vector<Bytes> sections(1000, section);
    EXPECT_EQ(
        test::refusal_of(lower::emit_image(policy, sections, store)),
        R"(tenant "solo": the tenants up to here have 16800000 firewall rules, expected at most 16777216)");
}

}  // namespace
}  // namespace sluice
