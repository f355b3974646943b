// SPDX-License-Identifier: Apache-2.0
//
// What a signer says of an image beside its bytes: the trusted comment of its signature, as words KEY=VALUE.
// An image itself has no date and no number, so that the same policy gives the same bytes. Other words are
// left to people. Any thread; allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct ReleaseNote {
    std::optional<std::uint64_t> revision;  // grows with every image for a gateway
    std::optional<std::string> digest;      // of the image, 64 hexadecimal digits
    std::optional<std::string> parent;      // the digest of the image it was made to come after
};

/// "revision=7 digest=... parent=...".
std::string release_note_text(const ReleaseNote& note);
/// A word whose value is not of the kind above counts as not there.
ReleaseNote parse_release_note(std::string_view trusted_comment);

/// 64 lower-case hexadecimal digits.
bool is_digest_text(std::string_view text);

}  // namespace sluice
