// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/image_store.h"

#include <unistd.h>

#include <filesystem>

#include "tests/runtime/store/memory_folder.h"
#include "tests/runtime/store/store_lab.h"

namespace sluice {
namespace {

using test::image_number;
using test::KeyPair;
using test::MemoryFolder;
using test::StoredImage;
using test::StoreLab;

using Kind = StoreRefusal::Kind;

class ImageStoreTest : public testing::Test {
  protected:
    static std::string digest(unsigned number) { return image_number(number).digest; }
    /// Its text; empty: accepted. The kind is checked.
    static std::string refusal(const std::variant<ImageRecord, StoreRefusal>& result, Kind kind) {
        const auto* refused = std::get_if<StoreRefusal>(&result);
        if (refused == nullptr) return "";
        EXPECT_EQ(refused->kind, kind) << refused->text;
        return refused->text;
    }
    std::string signature(unsigned number, const std::string& comment) {
        return key_.sign_image(image_number(number), comment);
    }

    KeyPair key_{1}, other_{2}, stranger_{3};
    MemoryFolder folder_;
    ImageStore store_{folder_, {key_.trusted, other_.trusted}, 0};
};

TEST_F(ImageStoreTest, KeepsWhatASignerSaidOfAnImage) {
    const std::string parent(64, 'a');
    const auto result = push(store_, image_number(1),
                             signature(1, "revision=7 digest=" + digest(1) + " parent=" + parent + " by ann"));
    ASSERT_EQ(refusal(result, Kind::integrity), "");
    const ImageRecord& record = std::get<ImageRecord>(result);
    EXPECT_EQ(record.revision, 7u);
    EXPECT_EQ(record.parent, parent);
    EXPECT_EQ(record.key, "0101010101010101");
    EXPECT_EQ(record.gateway, "edge-1");
    EXPECT_EQ(record.bytes, image_number(1).bytes.size());
    EXPECT_EQ(folder_.names(),
              (std::vector<std::string>{digest(1) + ".img", digest(1) + ".img.minisig", "manifest.json"}));
    const ImageStore reopened(folder_, {key_.trusted}, 0);
    EXPECT_EQ(reopened.manifest().find(digest(1))->trusted_comment, record.trusted_comment);
}

TEST_F(ImageStoreTest, CountsWhatNobodyNumbered) {
    const auto revision = [&](unsigned number, const std::string& comment) {
        return std::get<ImageRecord>(push(store_, image_number(number), signature(number, comment))).revision;
    };
    EXPECT_EQ(revision(1, "timestamp:1 file:edge.img"), 1u);
    EXPECT_EQ(revision(2, "revision=10"), 10u);
    EXPECT_EQ(revision(3, ""), 11u);
}

TEST_F(ImageStoreTest, WantsASignatureByATrustedKey) {
    EXPECT_EQ(refusal(push(store_, image_number(1)), Kind::integrity),
              "expected a signature by key 0101010101010101 or 0202020202020202, found none");
    EXPECT_EQ(
        refusal(push(store_, image_number(1), stranger_.sign_image(image_number(1), "")), Kind::integrity),
        "expected a signature by key 0101010101010101 or 0202020202020202, found one by key "
        "0303030303030303");
    EXPECT_EQ(refusal(push(store_, image_number(1), signature(2, "")), Kind::integrity),
              "the image is not what key 0101010101010101 signed");
    EXPECT_EQ(refusal(push(store_, image_number(1), signature(1, "digest=" + digest(2))), Kind::integrity),
              "the signature speaks of image " + digest(2) + ", this is image " + digest(1));
    StoredImage cut_off = image_number(1);
    cut_off.bytes.resize(1000);
    EXPECT_EQ(refusal(push(store_, cut_off, signature(1, "")), Kind::integrity),
              "the header announces " + std::to_string(image_number(1).bytes.size() - 64) +
                  " bytes behind it, the file has 936")
        << "not that nobody signed it";
    EXPECT_TRUE(folder_.names().empty()) << "what is refused is gone";
    EXPECT_EQ(refusal(push(store_, image_number(1), other_.sign_image(image_number(1), "")), Kind::integrity),
              "");
}

TEST_F(ImageStoreTest, TakesAnySignatureWhereNoKeyIsTrusted) {
    ImageStore store(folder_, {}, 0);
    EXPECT_EQ(refusal(push(store, image_number(1)), Kind::integrity), "");
    EXPECT_EQ(refusal(push(store, image_number(2), stranger_.sign_image(image_number(2), "revision=9")),
                      Kind::integrity),
              "");
    EXPECT_EQ(store.manifest().find(digest(2))->revision, 2u) << "what nobody vouches for does not count";
    EXPECT_EQ(store.manifest().find(digest(2))->key, "");
}

TEST_F(ImageStoreTest, RefusesReplays) {
    StoreLab lab(folder_, {key_.trusted});
    ASSERT_EQ(refusal(push(lab.store, image_number(1), signature(1, "revision=5")), Kind::refused), "");
    ASSERT_EQ(refusal(push(lab.store, image_number(2), signature(2, "revision=7")), Kind::refused), "");
    ASSERT_EQ(refusal(push(lab.store, image_number(3), signature(3, "revision=6")), Kind::refused), "")
        << "nothing is confirmed yet";
    ASSERT_EQ(lab.activate(digest(1)), "");
    ASSERT_EQ(lab.activate(digest(2)), "");
    const auto older = [](int revision) {
        return "expected a revision above 7, which was confirmed before, found " + std::to_string(revision) +
               "; rollback goes back on purpose";
    };
    EXPECT_EQ(refusal(push(lab.store, image_number(4), signature(4, "revision=6")), Kind::refused), older(6));
    EXPECT_EQ(refusal(push(lab.store, image_number(4), signature(4, "revision=7")), Kind::refused), older(7));
    EXPECT_EQ(refusal(push(lab.store, image_number(4), signature(4, "file:x")), Kind::refused),
              "expected a signed revision above 7, found a signature without one");
    EXPECT_EQ(lab.activate(digest(3)), older(6)) << "staged while it was new enough";
    EXPECT_EQ(lab.activate(digest(1)), older(5));
    EXPECT_EQ(lab.rollback(1), "") << "on purpose";
    EXPECT_EQ(lab.running(), digest(1));
    EXPECT_EQ(refusal(push(lab.store, image_number(4), signature(4, "revision=6")), Kind::refused), older(6))
        << "going back does not open the door";
    EXPECT_EQ(refusal(push(lab.store, image_number(4), signature(4, "revision=8")), Kind::refused), "");
}

TEST_F(ImageStoreTest, RefusesWhatIsNotTheImageThatWasAnnounced) {
    ImageStore store(folder_, {}, 0);
    const auto push_as = [&](const std::string& name, std::vector<std::uint8_t> bytes) {
        return push(store, StoredImage{std::move(bytes), name});
    };
    std::vector<std::uint8_t> bytes = image_number(1).bytes;
    EXPECT_EQ(refusal(push_as(digest(2), bytes), Kind::integrity),
              "expected image " + digest(2) + ", found image " + digest(1));
    bytes.resize(bytes.size() - 1);
    EXPECT_EQ(refusal(push_as(digest(1), bytes), Kind::integrity),
              "the header announces " + std::to_string(bytes.size() + 1 - 64) +
                  " bytes behind it, the file has " + std::to_string(bytes.size() - 64));
    bytes = image_number(1).bytes;
    bytes[bytes.size() / 2] ^= 1;
    EXPECT_THAT(refusal(push_as(digest(1), bytes), Kind::integrity),
                testing::StartsWith("the digest in the header is " + digest(1) + ", that of the file "));
    EXPECT_EQ(refusal(push_as("../../etc/passwd", {}), Kind::refused),
              "\"../../etc/passwd\" is no digest: 64 hexadecimal digits");
    bytes = image_number(1).bytes;
    bytes[8] = 9;  // the format version
    EXPECT_EQ(refusal(push_as(digest(1), bytes), Kind::refused),
              "the image has format version 9; this program reads version 1");
    EXPECT_TRUE(folder_.names().empty());
}

TEST_F(ImageStoreTest, AnUploadGoesOnWhereItWasBroken) {
    const StoredImage& image = image_number(1);
    ImageStore store(folder_, {}, 0);
    ASSERT_EQ(std::get<UploadState>(store.begin(image.digest, image.bytes.size())).offset, 0u);
    ASSERT_TRUE(
        std::holds_alternative<UploadState>(store.append(image.digest, 0, std::span(image.bytes).first(1000))));
    EXPECT_EQ(std::get<StoreRefusal>(store.append(image.digest, 999, std::span(image.bytes).first(10))).text,
              "expected the bytes from 1000 on, found some from 999 on");
    EXPECT_EQ(std::get<StoreRefusal>(store.append(digest(2), 0, {})).text,
              "image " + digest(2) + " was not announced");

    ImageStore restarted(folder_, {}, 0);
    EXPECT_EQ(std::get<UploadState>(restarted.begin(image.digest, image.bytes.size())).offset, 1000u);
    EXPECT_EQ(refusal(push(restarted, image), Kind::integrity), "");
    EXPECT_TRUE(std::get<UploadState>(restarted.begin(image.digest, image.bytes.size())).present);
    EXPECT_EQ(refusal(push(restarted, image), Kind::integrity), "") << "a second time does no harm";
    EXPECT_EQ(restarted.manifest().images.size(), 1u);
}

TEST_F(ImageStoreTest, ANewSignatureReplacesTheOld) {
    ASSERT_EQ(refusal(push(store_, image_number(1), signature(1, "revision=1")), Kind::integrity), "");
    ASSERT_EQ(refusal(push(store_, image_number(1), other_.sign_image(image_number(1), "revision=2")),
                      Kind::integrity),
              "");
    EXPECT_EQ(store_.manifest().images.size(), 1u);
    EXPECT_EQ(store_.manifest().images[0].key, "0202020202020202");
    ImageStore other_only(folder_, {other_.trusted}, 0);
    EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const Image>>(other_only.load(digest(1))));
    ImageStore key_only(folder_, {key_.trusted}, 0);
    EXPECT_EQ(std::get<StoreRefusal>(key_only.load(digest(1))).text,
              "expected a signature by key 0101010101010101, found one by key 0202020202020202");
}

TEST_F(ImageStoreTest, AManifestThatIsNoneIsNamed) {
    const std::string text = "{\"version\": 2}";
    folder_.create("manifest.json");
    folder_.write("manifest.json", 0, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    try {
        const ImageStore store(folder_, {}, 0);
        FAIL() << "opened";
    } catch (const StoreFailure& failure) {
        EXPECT_STREQ(
            failure.what(),
            "the store's manifest.json cannot be read: it has version 2; this program knows version 1");
    }
}

TEST_F(ImageStoreTest, AFolderOnDiskIsHeldByOne) {
    test::image_number(1);
    const std::string path = testing::TempDir() + "sluice-store-" + std::to_string(getpid());
    {
        const auto first = open_store_folder(path);
        try {
            const auto second = open_store_folder(path);
            FAIL() << "two in one folder";
        } catch (const StoreFailure& failure) {
            EXPECT_EQ(failure.what(), "another gateway uses the images in " + path +
                                          ": stop it, or give this one another images.directory in the host "
                                          "file");
        }
        StoreLab lab(*first);
        EXPECT_EQ(refusal(push(lab.store, image_number(1)), Kind::integrity), "");
        EXPECT_EQ(lab.activate(""), "");
    }
    {
        const auto again = open_store_folder(path);
        EXPECT_EQ(StoreLab(*again).running(), digest(1));
    }
    std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace sluice
