// SPDX-License-Identifier: Apache-2.0
//
// Small images that differ, keys that sign them, and a gateway that goes over to whatever it is told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/sign/sign.h"
#include "runtime/store/lifecycle.h"

namespace sluice::test {

struct StoredImage {
    std::vector<std::uint8_t> bytes;
    std::string digest;
};

/// The same number gives the same image.
const StoredImage& image_number(unsigned number);

/// By a fixed seed.
struct KeyPair {
    explicit KeyPair(std::uint8_t seed);
    PublicKey trusted;
    SecretKey secret;
    std::string sign_image(const StoredImage& image, const std::string& comment) const {
        return sign(image.bytes, secret, comment);
    }
};

/// begin, append in a few pieces, finish.
std::variant<ImageRecord, StoreRefusal> push(ImageStore& store, const StoredImage& image,
                                             const std::string& signature = "");

/// A store with a life, for as long as the folder lasts.
struct StoreLab {
    explicit StoreLab(StoreFolder& folder, std::vector<PublicKey> trusted = {}, bool from_file = false);
    std::string activate(const std::string& digest, unsigned confirm_within_seconds = 0);
    std::string confirm() { return text_of(lifecycle.confirm()); }
    std::string rollback(unsigned steps) { return text_of(lifecycle.rollback(steps, now)); }
    void pass(unsigned seconds);
    /// The digest of what packets would see.
    std::string running() const;
    static std::string text_of(const Lifecycle::Outcome& outcome) { return outcome ? outcome->text : ""; }

    Lifecycle::Now now{nanoseconds_per_second, 1'700'000'000};
    std::vector<StoreEvent> log;
    std::string swap_fails;  // why; empty: it works
    std::shared_ptr<const Image> seen;
    ImageStore store;
    Lifecycle lifecycle;
};

}  // namespace sluice::test
