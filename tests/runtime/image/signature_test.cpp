// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/signature.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <cstring>

#include "runtime/image/base64.h"

namespace sluice {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes result;
    for (const Bytes& part : parts) result.insert(result.end(), part.begin(), part.end());
    return result;
}

Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

// A key from a fixed seed, and signatures as minisign 0.11 writes them.
class Signature : public testing::Test {
  protected:
    Signature() {
        const Bytes seed(crypto_sign_SEEDBYTES, 7);
        crypto_sign_seed_keypair(public_.data(), secret_.data(), seed.data());
    }

    Bytes sign(const Bytes& bytes) const {
        Bytes signature(crypto_sign_BYTES);
        crypto_sign_detached(signature.data(), nullptr, bytes.data(), bytes.size(), secret_.data());
        return signature;
    }
    std::string signature_of(const Bytes& bytes, std::string_view algorithm = "ED") const {
        Bytes hash(64);
        crypto_generichash(hash.data(), hash.size(), bytes.data(), bytes.size(), nullptr, 0);
        const Bytes signature = sign(algorithm == "ED" ? hash : bytes);
        return "untrusted comment: signature\n" + to_base64(joined({bytes_of(algorithm), id_, signature})) +
               "\ntrusted comment: build 7\n" + to_base64(sign(joined({signature, bytes_of("build 7")}))) +
               "\n";
    }
    PublicKey key() const { return std::get<PublicKey>(parse_public_key(key_text())); }
    std::vector<PublicKey> keys() const { return {key()}; }
    std::string key_text() const {
        return "untrusted comment: minisign public key\n" + to_base64(joined({bytes_of("Ed"), id_, public_})) +
               "\n";
    }
    std::string refusal(const std::string& signature) const {
        const auto result = verify_signature(image_, signature, keys());
        const auto* error = std::get_if<SignatureError>(&result);
        return error == nullptr ? "accepted" : error->text;
    }

    const Bytes image_ = bytes_of("the bytes of an image");
    Bytes id_ = {1, 2, 3, 4, 5, 6, 7, 8};
    Bytes public_ = Bytes(crypto_sign_PUBLICKEYBYTES);
    Bytes secret_ = Bytes(crypto_sign_SECRETKEYBYTES);
};

TEST_F(Signature, OfTheImageIsAcceptedWithItsComment) {
    const auto result = verify_signature(image_, signature_of(image_), keys());
    ASSERT_TRUE(std::holds_alternative<Signed>(result)) << refusal(signature_of(image_));
    EXPECT_EQ(std::get<Signed>(result).trusted_comment, "build 7");
    EXPECT_EQ(key_id_text(std::get<Signed>(result).key_id), "0807060504030201");
}

TEST_F(Signature, ByAnyOfSeveralKeysIsAccepted) {
    PublicKey other = key();
    other.id[7] = 0xaa;
    EXPECT_TRUE(std::holds_alternative<Signed>(
        verify_signature(image_, signature_of(image_), std::vector{other, key()})));
    id_[0] = 0xee;
    const PublicKey third = key();
    id_[0] = 0x01;
    const auto result = verify_signature(image_, signature_of(image_), std::vector{other, third});
    EXPECT_EQ(std::get<SignatureError>(result).text,
              "expected a signature by key AA07060504030201 or 08070605040302EE, found one by key "
              "0807060504030201");
}

TEST_F(Signature, OfTheOldKindWithoutAHashIsAccepted) {
    EXPECT_EQ(refusal(signature_of(image_, "Ed")), "accepted");
}

TEST_F(Signature, WithWindowsLineEndsIsAccepted) {
    std::string text;
    for (const char byte : signature_of(image_)) {
        if (byte == '\n') text += '\r';
        text += byte;
    }
    EXPECT_EQ(refusal(text), "accepted");
}

TEST_F(Signature, OfOtherBytesIsRefused) {
    EXPECT_EQ(refusal(signature_of(bytes_of("other bytes"))),
              "the image is not what key 0807060504030201 signed");
    EXPECT_EQ(refusal(signature_of(bytes_of("other bytes"), "Ed")),
              "the image is not what key 0807060504030201 signed");
}

TEST_F(Signature, ByAnotherKeyIsRefused) {
    const PublicKey trusted = key();
    id_[0] = 0xee;
    const auto result = verify_signature(image_, signature_of(image_), {&trusted, 1});
    EXPECT_EQ(std::get<SignatureError>(result).text,
              "expected a signature by key 0807060504030201, found one by key 08070605040302EE");
}

TEST_F(Signature, WithAChangedCommentIsRefused) {
    std::string text = signature_of(image_);
    text.replace(text.find("build 7"), 7, "build 8");
    EXPECT_EQ(refusal(text), "the trusted comment is not what key 0807060504030201 signed");
}

TEST_F(Signature, ThatIsNoneIsNamed) {
    EXPECT_EQ(refusal(""), "expected a minisign signature of four lines, found 0 lines that are none");
    std::string text = signature_of(image_);
    text.replace(text.find('\n') + 1, 4, "????");
    EXPECT_EQ(refusal(text), "expected 74 bytes of base64 that begin with \"ED\" or \"Ed\" on its second line");
    EXPECT_EQ(refusal(signature_of(image_, "XX")),
              "expected 74 bytes of base64 that begin with \"ED\" or \"Ed\" on its second line");
    text = signature_of(image_);
    text.erase(text.size() - 10);
    EXPECT_EQ(refusal(text), "expected 64 bytes of base64 on its fourth line");
}

TEST_F(Signature, AnyBitOfItCounts) {
    const std::string valid = signature_of(image_);
    for (std::size_t bit = 0; bit < valid.size() * 8; ++bit) {
        std::string text = valid;
        text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
        // The first line is for people and not covered; the line end may become what is ignored.
        if (bit / 8 < valid.find('\n') || text[bit / 8] == '\r' || valid[bit / 8] == '\n') continue;
        EXPECT_NE(refusal(text), "accepted") << "bit " << bit;
    }
}

TEST_F(Signature, AKeyMayStandWithoutItsComment) {
    const std::string text = key_text();
    EXPECT_TRUE(std::holds_alternative<PublicKey>(parse_public_key(text.substr(text.find('\n') + 1))));
}

TEST_F(Signature, WhatIsNoKeyIsNamed) {
    const auto refused = [](std::string_view text) {
        return std::get<SignatureError>(parse_public_key(text)).text;
    };
    EXPECT_EQ(refused(""), "expected a minisign public key: a comment and a line of base64");
    EXPECT_EQ(refused("RWQ="), "expected a minisign public key: 42 bytes of base64 that begin with \"Ed\"");
}

}  // namespace
}  // namespace sluice
