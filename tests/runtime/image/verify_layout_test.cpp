// SPDX-License-Identifier: Apache-2.0
//
// Bytes that are well-formed for FlatBuffers and still not laid out as the packet path reads them.
#include <gtest/gtest.h>

#include <cstring>

#include "compiler/lower/aligned_vector.h"
#include "schemas/layout/image_seal.h"
#include "tests/runtime/image/refusal.h"
#include "tests/support/reseal.h"

namespace sluice {
namespace {

using Bytes = std::vector<std::uint8_t>;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

Bytes image_of(FlatBufferBuilder& builder, const std::vector<Offset<image::TenantSection>>& tenants,
               std::uint32_t version = image_schema_version, const std::string& gateway_name = "edge",
               const std::vector<Offset<image::SharedTable>>& shared = {}) {
    const auto rows = builder.CreateVector(tenants);
    const auto tables = builder.CreateVector(shared);
    const auto ports = builder.CreateVector(std::vector<Offset<image::Port>>{});
    const auto gateway = builder.CreateString(gateway_name);
    image::FinishImageBuffer(builder, image::CreateImage(builder, version, gateway, ports, 0, rows, tables));
    return test::sealed_file({builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()});
}

Bytes image_of_section(const Bytes& section) {
    FlatBufferBuilder builder;
    const auto row = lower::aligned_scalars(builder, section);
    const auto digest = builder.CreateVector(Bytes(32));
    const auto closure = builder.CreateVector(Bytes(32));
    return image_of(builder, {image::CreateTenantSection(builder, digest, row, closure)});
}

Bytes minimal_section() {
    lower::TenantTables tables;
    policy::Tenant tenant;
    tenant.name = "solo";
    lower::lower_routes(tenant, tables);
    lower::lower_nat_classes(tenant, tables);
    lower::TableStore none;
    return lower::emit_tenant(tenant, tables, none);
}

TEST(Layout, AMinimalTenantIsAccepted) {
    EXPECT_EQ(test::refusal_of(image_of_section(minimal_section())), "accepted");
}

TEST(Layout, ASectionThatIsNotAlignedIsRefused) {
    // What stands before the section moves it: of 16 places only one is a multiple of 64.
    int refused = 0;
    for (std::size_t length = 0; length < 64; length += 4) {
        FlatBufferBuilder builder;
        const auto row = builder.CreateVector(minimal_section());
        const auto digest = builder.CreateVector(Bytes(32));
        const auto file = image_of(builder, {image::CreateTenantSection(builder, digest, row)},
                                   image_schema_version, std::string(length, 'x'));
        refused += test::refusal_of(file).starts_with("the section of tenant 0 begins at byte ");
    }
    EXPECT_EQ(refused, 15);
}

// All offsets of a FlatBuffer but the first are relative: what follows it can be moved as a whole.
TEST(Layout, RowsThatAreNotAlignedAreRefused) {
    Bytes section = minimal_section();
    section.insert(section.begin() + 4, 32, 0);
    std::uint32_t root;
    std::memcpy(&root, section.data(), sizeof root);
    root += 32;
    std::memcpy(section.data(), &root, sizeof root);
    section.resize((section.size() + 63) / 64 * 64);
    const std::string refusal = test::refusal_of(image_of_section(section));
    EXPECT_EQ(refusal.substr(0, 37), "tenant 0: adjacencies begins at byte ") << refusal;
    EXPECT_EQ(refusal.substr(refusal.size() - 25), ", not at a multiple of 64") << refusal;
}

TEST(Layout, SectionsThatShareTheirBytesAreRefused) {
    FlatBufferBuilder builder;
    const auto section = lower::aligned_scalars(builder, minimal_section());
    const auto digest = builder.CreateVector(Bytes(32));
    const std::vector<Offset<image::TenantSection>> tenants(
        1000, image::CreateTenantSection(builder, digest, section));
    EXPECT_EQ(test::refusal_of(image_of(builder, tenants)), "the sections of the tenants overlap");
}

TEST(Layout, ASectionThatIsNoFlatBufferIsRefused) {
    EXPECT_EQ(test::refusal_of(image_of_section(Bytes(64, 0xff))),
              "the section of tenant 0 is not a well-formed FlatBuffer");
}

TEST(Layout, ATenantWithoutASectionIsRefused) {
    FlatBufferBuilder builder;
    EXPECT_EQ(test::refusal_of(image_of(builder, {image::CreateTenantSection(builder)})),
              "tenant 0 has no section or no digest");
}

TEST(Layout, ASchemaOfAnotherVersionIsRefused) {
    FlatBufferBuilder builder;
    EXPECT_EQ(test::refusal_of(image_of(builder, {}, 2)),
              "the image has schema version 2; this program reads version 10");
}

TEST(Layout, AMissingTableIsNamed) {
    FlatBufferBuilder builder;
    const auto name = builder.CreateString("solo");
    builder.Finish(image::CreateTenant(builder, name));
    Bytes section(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
    section.resize((section.size() + 63) / 64 * 64);
    EXPECT_EQ(test::refusal_of(image_of_section(section)), "tenant 0: file is missing");
}

// A name costs four bytes where it shares another's text: comparing and printing them must stay linear.
TEST(Layout, NamesThatShareTheirBytesAreRefused) {
    FlatBufferBuilder builder;
    const auto long_name = builder.CreateString(std::string(4000, 'x'));
    const auto names = builder.CreateVector(std::vector<Offset<flatbuffers::String>>(100, long_name));
    const auto assertions = builder.CreateVector(std::vector<Offset<image::Assertion>>{});
    const auto classes = lower::aligned_structs(builder, std::vector<image::NatClass>(1));
    const std::vector<image::Adjacency> no_route(1);
    const auto adjacencies = lower::aligned_structs(builder, no_route);
    image::TenantBuilder tenant(builder);
    tenant.add_name(long_name);
    tenant.add_file(long_name);
    tenant.add_interface_names(names);
    tenant.add_assertions(assertions);
    tenant.add_adjacencies(adjacencies);
    tenant.add_nat_classes4(classes);
    tenant.add_nat_classes6(classes);
    builder.Finish(tenant.Finish());
    const Bytes section(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
    EXPECT_EQ(test::refusal_of(image_of_section(section)).substr(4009),
              ": the names have more bytes than the section that holds them");
}

}  // namespace
}  // namespace sluice
