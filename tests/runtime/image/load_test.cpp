// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "compiler/lower/build_image.h"
#include "runtime/image/image.h"
#include "schemas/layout/image_header.h"
#include "schemas/layout/image_seal.h"
#include "tests/support/exercise_image.h"
#include "tests/support/policies.h"
#include "tests/support/reseal.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::vector<std::uint8_t>& valid() {
    static const auto file = build_image(test::two_tenants());
    return file;
}

std::unique_ptr<const Image> loaded(Image::Result result) {
    if (const auto* error = std::get_if<ImageError>(&result)) ADD_FAILURE() << error->text;
    auto* image = std::get_if<std::unique_ptr<const Image>>(&result);
    return image == nullptr ? nullptr : std::move(*image);
}

ImageError refusal(const std::vector<std::uint8_t>& file) {
    const auto result = Image::from_bytes(file);
    const auto* error = std::get_if<ImageError>(&result);
    return error == nullptr ? ImageError{ImageError::Kind::unreadable, "accepted"} : *error;
}

class TemporaryFolder : public testing::Test {
  protected:
    TemporaryFolder() { std::filesystem::create_directory(folder_); }
    ~TemporaryFolder() override { std::filesystem::remove_all(folder_); }
    std::string path(const std::string& name) const { return (folder_ / name).string(); }

    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / ("sluice-load-test-" + std::to_string(getpid()));
};

TEST(Load, ShowsWhatThePolicySays) {
    const auto image = loaded(Image::from_bytes(valid()));
    ASSERT_NE(image, nullptr);
    EXPECT_EQ(image->gateway(), "edge-a");
    EXPECT_THAT(image->port_names(), testing::ElementsAre("access0", "uplink0"));
    ASSERT_EQ(image->tenants().size(), 2U);
    const TenantView& blue = image->tenants()[0];
    EXPECT_EQ(blue.name, "blue");
    EXPECT_TRUE(blue.has_service_router);
    EXPECT_EQ(blue.default_action, image::FirewallAction::Drop);
    EXPECT_THAT(blue.interface_names, testing::ElementsAre("web", "db", "internet", "to-red"));
    EXPECT_EQ(blue.rule_names[3], "mixed");
    const TenantView& red = image->tenants()[1];
    EXPECT_FALSE(red.has_service_router);
    EXPECT_EQ(red.default_action, image::FirewallAction::Allow);
    EXPECT_EQ(red.default_action_from_uplink, image::FirewallAction::Drop);
    test::exercise(*image);
}

TEST(Load, FindsTheInterfaceOfAFrameByPortAndTags) {
    const auto image = loaded(Image::from_bytes(valid()));
    const auto* q_in_q = image->find_binding(0, 100, 7);
    ASSERT_NE(q_in_q, nullptr);
    EXPECT_EQ(q_in_q->tenant(), 0);
    EXPECT_EQ(q_in_q->interface(), 1);
    const auto* untagged = image->find_binding(1, 0xffff, 0xffff);
    ASSERT_NE(untagged, nullptr);
    EXPECT_EQ(untagged->tenant(), 1);
    EXPECT_EQ(image->find_binding(0, 100, 0xffff), nullptr);
    EXPECT_EQ(image->find_binding(0, 0xffff, 0xffff), nullptr);
    EXPECT_EQ(image->find_binding(7, 110, 0xffff), nullptr);
}

TEST(Load, ThePolicyWithoutTenantsIsAnImage) {
    policy::Policy policy;
    policy.gateway = "empty";
    const auto image = loaded(Image::from_bytes(build_image(policy)));
    ASSERT_NE(image, nullptr);
    EXPECT_TRUE(image->tenants().empty());
}

TEST_F(TemporaryFolder, LoadReadsAFile) {
    std::ofstream(path("edge.img"), std::ios::binary)
        .write(reinterpret_cast<const char*>(valid().data()), static_cast<std::streamsize>(valid().size()));
    const auto image = loaded(Image::load(path("edge.img")));
    ASSERT_NE(image, nullptr);
    EXPECT_TRUE(std::equal(image->digest().begin(), image->digest().end(),
                           valid().begin() + offsetof(ImageHeader, digest)));
}

TEST_F(TemporaryFolder, WhatIsNoReadableFileIsNamed) {
    const auto refused = [&](const std::string& name) {
        const auto result = Image::load(path(name));
        const auto& error = std::get<ImageError>(result);
        EXPECT_EQ(error.kind, ImageError::Kind::unreadable);
        return error.text;
    };
    EXPECT_EQ(refused("absent"), "cannot be read: No such file or directory");
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    EXPECT_EQ(refused("pipe"), "cannot be read: it is not a regular file");
    EXPECT_EQ(refused("."), "cannot be read: it is not a regular file");
    std::filesystem::resize_file((std::ofstream(path("huge")), path("huge")), 3ULL << 30);  // sparse
    EXPECT_EQ(refused("huge"), "cannot be read: it has 3221225472 bytes, an image at most 2147483647");
}

TEST(LoadHeader, EachFieldThatIsWrongIsNamed) {
    const auto changed = [](std::size_t offset, std::uint8_t value) {
        auto file = valid();
        file[offset] = value;
        return refusal(file);
    };
    EXPECT_EQ(changed(0, 'X').text,
              "not an image: it begins with 584c55494345494d instead of 534c55494345494d");
    EXPECT_EQ(changed(offsetof(ImageHeader, format_version), 9).text,
              "the image has format version 9; this program reads version 1");
    EXPECT_EQ(changed(offsetof(ImageHeader, format_version), 9).kind, ImageError::Kind::version);
    EXPECT_EQ(changed(offsetof(ImageHeader, header_bytes), 65).text, "the header says it has 65 bytes, not 64");
    EXPECT_EQ(changed(offsetof(ImageHeader, reserved), 1).text,
              "the reserved bytes of the header are 01000000, not zero");
    const auto flipped = static_cast<std::uint8_t>(~valid()[offsetof(ImageHeader, digest)]);
    EXPECT_THAT(changed(offsetof(ImageHeader, digest), flipped).text,
                StartsWith("the digest in the header is "));
    EXPECT_THAT(changed(valid().size() - 1, 0xee).text, HasSubstr(", that of the file "));
}

TEST(LoadHeader, AFileThatIsTooShortOrTooLongIsNamed) {
    auto file = valid();
    file.push_back(0);
    EXPECT_EQ(refusal(file).text, "the header announces " + std::to_string(valid().size() - 64) +
                                      " bytes behind it, the file has " + std::to_string(valid().size() - 63));
    file.resize(63);
    EXPECT_EQ(refusal(file).text, "the file has 63 bytes; an image begins with a header of 64");
    EXPECT_EQ(refusal({}).text, "the file has 0 bytes; an image begins with a header of 64");
    EXPECT_EQ(refusal(file).kind, ImageError::Kind::integrity);
}

TEST(LoadPayload, BytesThatAreNoFlatBufferAreRefused) {
    EXPECT_EQ(refusal(test::sealed_file({})).text, "the payload is not a well-formed FlatBuffer of an image");
    EXPECT_EQ(refusal(test::sealed_file(std::vector<std::uint8_t>(4096, 0xff))).text,
              "the payload is not a well-formed FlatBuffer of an image");
}

TEST(LoadPayload, ASectionThatChangedIsNotItsDigests) {
    auto file = valid();
    const image::Image& root = *image::GetImage(file.data() + sizeof(ImageHeader));
    file[static_cast<std::size_t>(root.tenants()->Get(1)->section()->data() - file.data())] ^= 1;
    seal_image(file);
    EXPECT_EQ(refusal(file).text,
              "the section of tenant 1 does not have the digest that the image gives for it");
}

}  // namespace
}  // namespace sluice
